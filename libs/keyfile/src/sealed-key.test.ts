import { generateKeyPairSync, sign, verify, createPublicKey } from 'node:crypto';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKey, passphraseFrom, readKeyFile, sealKey, writeKeyFile } from './index.js';

const cheap = { logN: 14, r: 8, p: 1 };
const passphrase = Buffer.from('correct horse');
const failsWith = (code: string) => expect.objectContaining({ name: 'KeyFileError', code });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-keyfile-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

describe('a sealed key', () => {
  it('is opened by its passphrase, and signs as before', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const path = join(folder, 'alice.key');
    await writeKeyFile(path, await sealKey(privateKey, 'alice', passphrase, cheap));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const opened = await openKey(await readKeyFile(path), passphrase);
    const bytes = Buffer.from('metadata');
    expect(verify(null, bytes, createPublicKey(privateKey), sign(null, bytes, opened))).toBe(true);
  });

  it('has no trace of the key in it, and seals the same key differently each time', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(16);
    const [one, two] = [
      await sealKey(privateKey, 'a', passphrase, cheap),
      await sealKey(privateKey, 'a', passphrase, cheap),
    ];
    expect(one.ciphertext).not.toBe(two.ciphertext);
    expect(Buffer.from(one.ciphertext, 'base64url').includes(secret)).toBe(false);
  });

  it('is refused with another passphrase, and with any part of it changed', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const other = await sealKey(generateKeyPairSync('ed25519').privateKey, 'mallory', passphrase, cheap);
    const sealed = await sealKey(privateKey, 'alice', passphrase, cheap);
    await expect(openKey(sealed, Buffer.from('wrong horse'))).rejects.toEqual(failsWith('wrong-passphrase'));
    for (const changed of [
      { name: 'bob' },
      { publicKey: other.publicKey },
      { ciphertext: other.ciphertext },
      { cipher: other.cipher },
      { kdf: other.kdf },
    ]) {
      await expect(openKey({ ...sealed, ...changed }, passphrase)).rejects.toEqual(failsWith('wrong-passphrase'));
    }
    const greedy = { ...sealed, kdf: { ...sealed.kdf, logN: 20, r: 32 } };
    await expect((async () => openKey(greedy, passphrase))()).rejects.toEqual(failsWith('malformed-key'));
  });

  it('is never written over, nor read where others can', async () => {
    const path = join(folder, 'alice.key');
    const sealed = await sealKey(generateKeyPairSync('ed25519').privateKey, 'alice', passphrase, cheap);
    await writeKeyFile(path, sealed);
    await expect(writeKeyFile(path, sealed)).rejects.toEqual(failsWith('key-exists'));
    await chmod(path, 0o640);
    await expect(readKeyFile(path)).rejects.toEqual(failsWith('keys-exposed'));
    await expect(readKeyFile(folder)).rejects.toEqual(failsWith('keys-exposed'));
    await expect(readKeyFile(join(folder, 'none'))).rejects.toEqual(failsWith('key-missing'));
    await chmod(path, 0o600);
    await writeFile(path, '{"schema":1}');
    await expect(readKeyFile(path)).rejects.toEqual(failsWith('malformed-key'));
  });
});

describe('a passphrase', () => {
  it('comes from a file of its owner’s, or the environment, and is not too short', async () => {
    const file = join(folder, 'passphrase');
    await writeFile(file, 'correct horse\n', { mode: 0o600 });
    expect(await passphraseFrom({ file, value: 'something else' })).toEqual(passphrase);
    expect(await passphraseFrom({ value: 'correct horse' })).toEqual(passphrase);
    expect(await passphraseFrom({})).toBeUndefined();
    await expect(passphraseFrom({ value: 'short' })).rejects.toEqual(failsWith('bad-passphrase'));
    await chmod(file, 0o644);
    await expect(passphraseFrom({ file })).rejects.toEqual(failsWith('keys-exposed'));
  });
});
