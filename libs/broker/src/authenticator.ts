import { sign } from 'node:crypto';
import type { Authenticator } from 'nats';
import type { UserCredentials } from './users.js';

/**
 * Proves to a server that a user holds its key, by signing what the server says. That is the machine's own key, so nothing is signed
 * that could mean something elsewhere: what is signed of a token always has a dot in it, and a server's nonce (11 bytes in base64url) has none.
 */
export function authenticatorFor({ token, key }: UserCredentials): Authenticator {
  return (nonce = '') => {
    const jwt = typeof token === 'string' ? token : token();
    // Refused by the server, as it should be: it isn't one.
    if (!/^[A-Za-z0-9_-]{8,64}$/.test(nonce)) return { jwt, sig: '' };
    return { jwt, sig: sign(null, Buffer.from(nonce), key).toString('base64url') };
  };
}
