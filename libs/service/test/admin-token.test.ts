import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminToken } from '#libs/service';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'admin-token-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

describe('AdminToken', () => {
  it('is made once, shown once, and kept only as a hash that only its owner can read', async () => {
    const first = await AdminToken.open(dataDir);
    expect(first.fresh).toMatch(/^sca_[A-Za-z0-9_-]{32}$/);
    expect(first.token.matches(first.fresh ?? '')).toBe(true);

    const file = join(dataDir, 'admin-token.sha256');
    expect(await readFile(file, 'utf8')).not.toContain(first.fresh);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const second = await AdminToken.open(dataDir);
    expect(second.fresh).toBeUndefined();
    expect(second.token.matches(first.fresh ?? '')).toBe(true);
    expect(second.token.matches('sca_another')).toBe(false);
  });

  it('is the same for stages that start for the first time at once on one folder', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, () => AdminToken.open(dataDir)));
    const fresh = opened.flatMap((one) => one.fresh ?? []);
    expect(fresh).toHaveLength(1);
    expect(opened.every(({ token }) => token.matches(fresh[0] ?? ''))).toBe(true);
    expect(await readdir(dataDir)).toEqual(['admin-token.sha256']);
  });

  it('is not made anew over a damaged file', async () => {
    await writeFile(join(dataDir, 'admin-token.sha256'), 'half a ha');
    await expect(AdminToken.open(dataDir)).rejects.toThrow('damaged');
  });

  it('is the one that was given', async () => {
    const { token, fresh } = await AdminToken.open(dataDir, 'a-token-of-the-operators-own');
    expect(fresh).toBeUndefined();
    expect(token.matches('a-token-of-the-operators-own')).toBe(true);
  });
});
