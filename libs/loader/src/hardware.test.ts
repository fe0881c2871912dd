import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hardwareDigest } from './hardware.js';

let root: string;
beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'splicecast-hardware-'))));
afterEach(() => rm(root, { recursive: true, force: true }));

async function digestFor(uuid: string): Promise<string | undefined> {
  await mkdir(join(root, 'sys/class/dmi/id'), { recursive: true });
  await writeFile(join(root, 'sys/class/dmi/id/product_uuid'), `${uuid}\n`);
  return hardwareDigest(root);
}

describe('hardware', () => {
  it('is the same however its UUID is spelt, and never the UUID', async () => {
    const digest = await digestFor('4c4c4544-0042-3510-8054-b7c04f4b4d32');
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await digestFor('4C4C4544-0042-3510-8054-B7C04F4B4D32')).toBe(digest);
    expect(await digestFor('4c4c4544-0042-3510-8054-b7c04f4b4d33')).not.toBe(digest);
  });

  it.each([
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '03000200-0400-0500-0006-000700080009',
    'Not Settable',
    '',
  ])('%j says nothing', async (uuid) => expect(await digestFor(uuid)).toBeUndefined());

  it('may be unknown', async () => expect(await hardwareDigest(root)).toBeUndefined());
});
