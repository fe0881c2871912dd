import { createPublicKey, sign, verify } from 'node:crypto';
import { newEd25519Key } from './new-key.js';

test('a new key signs what its public half verifies, and is no other’s', () => {
  const [key, other] = [newEd25519Key(), newEd25519Key()];
  const words = Buffer.from('words');
  const signature = sign(null, words, key);
  expect(verify(null, words, createPublicKey(key), signature)).toBe(true);
  expect(verify(null, words, createPublicKey(other), signature)).toBe(false);
  expect(key.export({ format: 'jwk' })).toMatchObject({ kty: 'OKP', crv: 'Ed25519', d: expect.any(String) });
});
