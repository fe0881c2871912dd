import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  scrypt,
} from 'node:crypto';
import { z } from 'zod';
import { KeyFileError } from './errors.js';

const base64url = (bytes: number): z.ZodString =>
  z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`));

/** The memory that opening a file may take: somebody else's parameters must not exhaust the machine. */
const maxMemoryBytes = 512 * 1024 * 1024;

/**
 * An Ed25519 private key under a passphrase: scrypt (RFC 7914) to AES-256-GCM. Everything beside the ciphertext is authenticated with
 * it, so no file can be given another's public key or name.
 */
export const sealedKeySchema = z.object({
  schema: z.literal(1),
  kind: z.literal('splicecast-sealed-key'),
  name: z.string().min(1).max(100),
  /** The public half: lower-case hex of the 32 bytes. */
  publicKey: z.string().regex(/^[0-9a-f]{64}$/),
  kdf: z.object({
    name: z.literal('scrypt'),
    salt: base64url(32),
    /** 2^logN · r · 128 bytes of memory. */
    logN: z.int().min(14).max(20),
    r: z.int().min(1).max(32),
    p: z.int().min(1).max(16),
  }),
  cipher: z.object({ name: z.literal('aes-256-gcm'), nonce: base64url(12), tag: base64url(16) }),
  /** PKCS #8, encrypted. */
  ciphertext: z.string().regex(/^[A-Za-z0-9_-]{1,1024}$/),
});
export type SealedKey = z.infer<typeof sealedKeySchema>;

/** What each guess of a passphrase costs. */
export interface SealCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MB and some 0.3 s a guess. */
export const standardCost: SealCost = { logN: 17, r: 8, p: 1 };

/** DER of an Ed25519 SubjectPublicKeyInfo before its 32 bytes (RFC 8410). */
const spkiPrefixBytes = 12;

/** Seals a key. @param name whose it is or what for: shown, and bound to it. */
export async function sealKey(
  privateKey: KeyObject,
  name: string,
  passphrase: Buffer,
  cost: SealCost = standardCost,
): Promise<SealedKey> {
  const head = {
    schema: 1,
    kind: 'splicecast-sealed-key',
    name,
    publicKey: publicHexOf(privateKey),
    kdf: { name: 'scrypt', salt: randomBytes(32).toString('base64url'), ...cost },
  } as const;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await derive(passphrase, head.kdf), nonce);
  cipher.setAAD(authenticated(head));
  const ciphertext = Buffer.concat([
    cipher.update(privateKey.export({ format: 'der', type: 'pkcs8' })),
    cipher.final(),
  ]);
  return sealedKeySchema.parse({
    ...head,
    cipher: { name: 'aes-256-gcm', nonce: nonce.toString('base64url'), tag: cipher.getAuthTag().toString('base64url') },
    ciphertext: ciphertext.toString('base64url'),
  });
}

/**
 * Opens a sealed key.
 * @throws KeyFileError `wrong-passphrase` (or the file was changed: the two can't be told apart), `malformed-key`.
 */
export async function openKey(sealed: SealedKey, passphrase: Buffer): Promise<KeyObject> {
  const { cipher, ciphertext } = sealed;
  const decipher = createDecipheriv(
    'aes-256-gcm',
    await derive(passphrase, sealed.kdf),
    Buffer.from(cipher.nonce, 'base64url'),
    { authTagLength: 16 },
  );
  decipher.setAAD(authenticated(sealed));
  decipher.setAuthTag(Buffer.from(cipher.tag, 'base64url'));
  let key: KeyObject;
  try {
    const der = Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]);
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    throw new KeyFileError(
      'wrong-passphrase',
      `the passphrase doesn't open the key ${sealed.name}, or its file was changed`,
    );
  }
  if (key.asymmetricKeyType !== 'ed25519' || publicHexOf(key) !== sealed.publicKey) {
    throw new KeyFileError('malformed-key', `the key ${sealed.name} is not the one that its file names`);
  }
  return key;
}

function authenticated({ schema, kind, name, publicKey, kdf }: Omit<SealedKey, 'cipher' | 'ciphertext'>): Buffer {
  return Buffer.from(JSON.stringify([schema, kind, name, publicKey, kdf.name, kdf.salt, kdf.logN, kdf.r, kdf.p]));
}

function publicHexOf(key: KeyObject): string {
  if (key.asymmetricKeyType !== 'ed25519') throw new KeyFileError('malformed-key', 'the key is no Ed25519 key');
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(spkiPrefixBytes).toString('hex');
}

function derive(passphrase: Buffer, { salt, logN, r, p }: SealedKey['kdf']): Promise<Buffer> {
  const cost = 2 ** logN;
  if (128 * cost * r > maxMemoryBytes) {
    throw new KeyFileError('malformed-key', 'the key asks for more memory than any of ours');
  }
  return new Promise((resolve, reject) => {
    const options = { cost, blockSize: r, parallelization: p, maxmem: 128 * cost * r + 1024 * 1024 * p };
    scrypt(passphrase, Buffer.from(salt, 'base64url'), 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
