import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createDurably } from '#libs/durable';
import { newEd25519Key } from '#libs/ed25519';

const keySchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  d: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
const names = ['operator', 'system', 'service', 'hints', 'systemUser', 'serviceUser', 'publisherUser'] as const;
const fileSchema = z.object({
  schema: z.literal(1),
  /** When they were made, in seconds: the `iat` of all that is signed once and for all. */
  madeAt: z.number().int().positive(),
  keys: z.record(z.enum(names), keySchema),
});

/**
 * The keys of the NATS servers: the operator's, who says which accounts there are; the accounts', who say which users there are (`system` for the
 * servers themselves, `service` for the log and the stages, `hints` for the machines); and those of the services' own users.
 */
export interface BrokerKeys extends Readonly<Record<(typeof names)[number], KeyObject>> {
  readonly madeAt: number;
}

/** Reads the keys of a folder, or makes them at the first start; the file is its owner's only. @throws Error if it is broken. */
export async function openBrokerKeys(folder: string, now = new Date()): Promise<BrokerKeys> {
  const path = join(folder, 'broker-keys.json');
  const kept = await keptKeys(path);
  if (kept !== undefined) return kept;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made = fileSchema.parse({
    schema: 1,
    madeAt: Math.floor(now.getTime() / 1000),
    keys: Object.fromEntries(names.map((name) => [name, newKey()])),
  });
  try {
    await createDurably(path, `${JSON.stringify(made, undefined, 2)}\n`, 0o600);
    return opened(made);
  } catch (error) {
    // Another stage has just made them on the same folder: its keys are the keys.
    const theirs = hasCode(error, 'EEXIST') ? await keptKeys(path) : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  }
}

async function keptKeys(path: string): Promise<BrokerKeys | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return opened(fileSchema.parse(JSON.parse(text)));
  } catch (cause) {
    throw new Error(`${path} can't be read: bring it back from a copy, or remove it and renew all leases`, { cause });
  }
}

function newKey(): unknown {
  return newEd25519Key().export({ format: 'jwk' });
}

function opened({ madeAt, keys }: z.infer<typeof fileSchema>): BrokerKeys {
  const open = (name: (typeof names)[number]): KeyObject => createPrivateKey({ key: keys[name], format: 'jwk' });
  return {
    madeAt,
    operator: open('operator'),
    system: open('system'),
    service: open('service'),
    hints: open('hints'),
    systemUser: open('systemUser'),
    serviceUser: open('serviceUser'),
    publisherUser: open('publisherUser'),
  };
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
