import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { copyPrograms } from './index.js';

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
    await expect(copyPrograms(folder, ['apps/b/main.js'], to)).rejects.toMatchObject({ code: 'not-built' });
    await expect(copyPrograms(folder, ['apps/a/main.js'], to)).rejects.toMatchObject({ code: 'not-installed' });
  });
});
