import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServiceKeys } from '../src/adapters/service-keys.js';
import { SigningPolicy } from '../src/adapters/signing-policy.js';

const failsWith = (code: string) => expect.objectContaining({ name: 'KeyFolderError', code });
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'splicecast-keys-'));
  folder = join(parent, 'data', 'keys');
});
afterEach(async () => rm(parent, { recursive: true, force: true }));

describe('the key folder', () => {
  it('is made at first start, for its owner alone, and stays as it is', async () => {
    const policy = new SigningPolicy(2, 2);
    const first = await openServiceKeys(folder, policy);
    expect(await modeOf(folder)).toBe(0o700);
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(['bundle-1.pem', 'bundle-2.pem', 'lease-1.pem', 'license-1.pem']);
    for (const name of names) expect(await modeOf(join(folder, name))).toBe(0o600);
    expect(await readdir(join(parent, 'data'))).toEqual(['keys']);
    const second = await openServiceKeys(folder, policy);
    expect(second.bundle.map((key) => key.equals(first.bundle[0] ?? key))).toEqual([true, false]);
    expect(second.license.equals(first.license)).toBe(true);
    expect(second.lease.equals(first.license)).toBe(false);
  });

  it('is the same for processes that start at once', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => openServiceKeys(folder, new SigningPolicy())));
    const [first, ...others] = opened;
    for (const other of others) expect(first && other.license.equals(first.license)).toBe(true);
    expect(await readdir(join(parent, 'data'))).toEqual(['keys']);
  });

  it('is refused when others could read it', async () => {
    await openServiceKeys(folder, new SigningPolicy());
    for (const [path, mode, good] of [
      [folder, 0o750, 0o700],
      [join(folder, 'bundle-1.pem'), 0o640, 0o600],
      [join(folder, 'lease-1.pem'), 0o604, 0o600],
    ] as const) {
      await chmod(path, mode);
      await expect(openServiceKeys(folder, new SigningPolicy())).rejects.toThrow(failsWith('keys-exposed'));
      await chmod(path, good);
    }
    await openServiceKeys(folder, new SigningPolicy());
  });

  it('is refused when a key is a link, gone or no key, and no new one is made in its place', async () => {
    await openServiceKeys(folder, new SigningPolicy());
    const license = join(folder, 'license-1.pem');
    const pem = await readFile(license);
    await rm(license);
    await expect(openServiceKeys(folder, new SigningPolicy())).rejects.toThrow(failsWith('key-missing'));
    expect(await readdir(folder)).not.toContain('license-1.pem');
    await symlink(join(folder, 'lease-1.pem'), license);
    await expect(openServiceKeys(folder, new SigningPolicy())).rejects.toThrow(failsWith('keys-exposed'));
    await rm(license);
    await writeFile(license, pem.subarray(0, 40), { mode: 0o600 });
    const error = await openServiceKeys(folder, new SigningPolicy()).catch((reason: unknown) => reason);
    expect(error).toEqual(failsWith('malformed-key'));
    expect(String(error)).not.toContain('PRIVATE');
  });

  it('is sealed where there is a passphrase, and the same keys stay', async () => {
    const passphrase = Buffer.from('a passphrase of the service');
    const plain = await openServiceKeys(folder, new SigningPolicy());
    const sealed = await openServiceKeys(folder, new SigningPolicy(), passphrase);
    expect(sealed.license.equals(plain.license)).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(['bundle-1.key', 'lease-1.key', 'license-1.key']);
    const again = await openServiceKeys(folder, new SigningPolicy(), passphrase);
    expect(again.lease.equals(plain.lease)).toBe(true);
    await expect(openServiceKeys(folder, new SigningPolicy())).rejects.toEqual(failsWith('passphrase-missing'));
    const wrong = openServiceKeys(folder, new SigningPolicy(), Buffer.from('another passphrase'));
    await expect(wrong).rejects.toEqual(failsWith('wrong-passphrase'));
    await chmod(join(folder, 'lease-1.key'), 0o644);
    await expect(openServiceKeys(folder, new SigningPolicy(), passphrase)).rejects.toEqual(failsWith('keys-exposed'));
  });

  it('is made sealed where there is a passphrase from the beginning', async () => {
    await openServiceKeys(folder, new SigningPolicy(), Buffer.from('a passphrase of the service'));
    expect((await readdir(folder)).sort()).toEqual(['bundle-1.key', 'lease-1.key', 'license-1.key']);
  });

  it('is refused when there are fewer keys than must sign', async () => {
    await openServiceKeys(folder, new SigningPolicy());
    await expect(openServiceKeys(folder, new SigningPolicy(2, 2))).rejects.toThrow(failsWith('threshold-unreachable'));
  });
});

describe('the signing policy', () => {
  it('comes from the environment, and must be possible', () => {
    expect(SigningPolicy.from({})).toEqual(new SigningPolicy(1, 1));
    const environment = { SPLICECAST_BUNDLE_KEYS: '3', SPLICECAST_BUNDLE_THRESHOLD: '2' };
    expect(SigningPolicy.from(environment)).toEqual(new SigningPolicy(3, 2));
    expect(() => SigningPolicy.from({ SPLICECAST_BUNDLE_THRESHOLD: '2' })).toThrow('SPLICECAST_BUNDLE_THRESHOLD');
    expect(() => SigningPolicy.from({ SPLICECAST_BUNDLE_KEYS: 'many' })).toThrow('SPLICECAST_BUNDLE_KEYS');
  });
});
