import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { type PublicJwk, publicJwkSchema } from '#libs/contracts';
import { newEd25519Key } from '#libs/ed25519';
import { machineIdOf, thumbprintOf } from '#libs/trust';

/** The machine's identity: whoever holds the key is the machine. */
export interface MachineKey {
  readonly privateKey: KeyObject;
  readonly publicJwk: PublicJwk;
  readonly machineId: string;
  readonly keyThumbprint: string;
}

export const privateJwkSchema = publicJwkSchema.extend({ d: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
export type PrivateJwk = z.infer<typeof privateJwkSchema>;

export function newPrivateJwk(): PrivateJwk {
  return privateJwkSchema.parse(newEd25519Key().export({ format: 'jwk' }));
}

/** @throws for a key whose halves don't belong together. */
export function machineKeyOf(jwk: PrivateJwk): MachineKey {
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const publicJwk = publicJwkSchema.parse(createPublicKey(privateKey).export({ format: 'jwk' }));
  if (publicJwk.x !== jwk.x) throw new TypeError('the halves of the key do not belong together');
  return { privateKey, publicJwk, machineId: machineIdOf(publicJwk), keyThumbprint: thumbprintOf(publicJwk) };
}
