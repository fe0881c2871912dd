import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootGuest, packagedKernel } from './index.js';
import { Transcript } from './transcript.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'share-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('what a guest is made of', () => {
  it('is asked for by name where it is missing', async () => {
    await expect(packagedKernel(folder)).rejects.toMatchObject({ code: 'file-missing' });
    await writeFile(join(folder, 'vmlinuz'), '');
    const options = { kernel: join(folder, 'vmlinuz'), share: folder, modulesFrom: folder, timeoutMs: 1, script: '' };
    await expect(bootGuest(options)).rejects.toMatchObject({
      code: 'file-missing',
      message: expect.stringContaining('9pnet_virtio.ko'),
    });
    await expect(bootGuest({ ...options, memoryMb: 1 })).rejects.toMatchObject({ code: 'bad-option' });
    await expect(bootGuest({ ...options, kernel: join(folder, 'none') })).rejects.toMatchObject({
      code: 'file-missing',
    });
  });
});

describe('a transcript', () => {
  it('gives every reader all lines, whole, to the last unfinished one', async () => {
    const transcript = new Transcript();
    transcript.write(Buffer.from('one\r\ntw'));
    const reading = (async () => {
      const lines = [];
      for await (const line of transcript) lines.push(line);
      return lines;
    })();
    transcript.write(Buffer.from('o\nthr'));
    await Promise.resolve();
    transcript.write(Buffer.from('ee'));
    transcript.end();
    expect(await reading).toEqual(['one', 'two', 'three']);
  });

  it('keeps bounded lines, and a bounded number of them', () => {
    const transcript = new Transcript();
    for (let index = 0; index < 60; index++) transcript.write(Buffer.from('x\n'.repeat(1_000)));
    expect(transcript.lines.length).toBeLessThanOrEqual(50_000);
    for (let index = 0; index < 4; index++) transcript.write(Buffer.alloc(20_000, 'y'));
    transcript.end();
    expect(transcript.lines.at(-1)).toHaveLength(16 * 1024);
  });
});
