import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bootGuest, packagedKernel } from './index.js';
import { copyPrograms } from './programs.js';
import { Transcript } from './transcript.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'share-test-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

const listing = async (path: string) => (await readdir(path, { recursive: true })).sort();

describe('copying programs', () => {
  const project = {
    'package.json': '{"imports":{"#libs/*":"./dist/libs/*/src/index.js"},"dependencies":{"unused":"1"}}',
    'dist/apps/a/main.js': `import { b } from './b.js';\nimport('outer/deep.js');`,
    'dist/apps/a/b.js': `export { c } from '#libs/c';\nimport 'node:fs';`,
    'dist/apps/a/b.test.js': '',
    'dist/libs/c/src/index.js': `import '@scope/x';`,
    'dist/libs/d/src/index.js': '',
    'node_modules/outer/package.json': '{"dependencies":{"inner":"1"}}',
    'node_modules/outer/deep.js': '',
    'node_modules/outer/README.md': '',
    'node_modules/outer/node_modules/inner/package.json': '{}',
    'node_modules/inner/package.json': '{"version":"2"}',
    'node_modules/@scope/x/package.json': '{}',
    'node_modules/unused/package.json': '{}',
  };

  it('takes along what is imported, and nothing else', async () => {
    await write(project);
    const to = join(folder, 'to');
    await copyPrograms(folder, ['apps/a/main.js'], to);
    const files = (await listing(to)).filter((path) => /\.[a-z]+$/.test(path));
    expect(files).toEqual([
      'dist/apps/a/b.js',
      'dist/apps/a/main.js',
      'dist/libs/c/src/index.js',
      'node_modules/@scope/x/package.json',
      'node_modules/outer/deep.js',
      'node_modules/outer/node_modules/inner/package.json',
      'node_modules/outer/package.json',
      'package.json',
    ]);
    expect(await readFile(join(to, 'package.json'), 'utf8')).toContain('#libs/*');
  });

  it('says what is not built or not installed', async () => {
    const { 'node_modules/@scope/x/package.json': _, ...rest } = project;
    await write(rest);
    const to = join(folder, 'to');
    await expect(copyPrograms(folder, ['apps/b/main.js'], to)).rejects.toMatchObject({ code: 'file-missing' });
    await expect(copyPrograms(folder, ['apps/a/main.js'], to)).rejects.toMatchObject({ code: 'file-missing' });
  });
});

describe('what a guest is made of', () => {
  it('is asked for by name where it is missing', async () => {
    await expect(packagedKernel(folder)).rejects.toMatchObject({ code: 'file-missing' });
    await write({ vmlinuz: '' });
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
