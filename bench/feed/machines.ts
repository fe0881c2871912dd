import { createPublicKey, type KeyObject } from 'node:crypto';
import { publicJwkSchema, type PublicJwk } from '#libs/contracts';
import { newEd25519Key } from '#libs/ed25519';
import { machineIdOf, makeProof, proofHeader, thumbprintOf } from '#libs/trust';
import type { SeededMachine } from './seeds.js';

/** A machine as this benchmark plays it: with a key of its own. */
export interface Machine {
  readonly machineId: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: PublicJwk;
  /** Of the answer to its last check-in. */
  etag?: string;
}

export function newMachine(): Machine {
  const privateKey = newEd25519Key();
  const publicJwk = publicJwkSchema.parse(createPublicKey(privateKey).export({ format: 'jwk' }));
  return { machineId: machineIdOf(publicJwk), privateKey, publicJwk };
}

/** What the log says of it. */
export function seedOf({ machineId, publicJwk }: Machine): SeededMachine {
  return { machineId, keyThumbprint: thumbprintOf(publicJwk), x: publicJwk.x };
}

/** A request of its own, proven now, as HTTP/1.1's bytes. @param headers whole lines. */
export async function requestOf(machine: Machine, what: string, headers: readonly string[] = []): Promise<string> {
  const { machineId, privateKey, publicJwk } = machine;
  const path = `/v1/machines/${machineId}/${what}`;
  const proof = await makeProof({ method: 'GET', path, body: Buffer.alloc(0), at: new Date(), privateKey, publicJwk });
  const lines = [`GET ${path} HTTP/1.1`, 'host: 127.0.0.1', `${proofHeader}: ${proof}`, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A check-in, with what it knows already. */
export function checkInOf(machine: Machine, headers: readonly string[] = []): Promise<string> {
  const known = machine.etag === undefined ? [] : [`if-none-match: ${machine.etag}`];
  return requestOf(machine, 'updates', [...known, ...headers]);
}
