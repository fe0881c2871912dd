import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fixes } from './fixes.js';
import { edited, textOf } from './make-patch.js';
import { vendorKernel } from './vendor-kernel.js';

const run = promisify(execFile);
const program = join(dirname(fileURLToPath(import.meta.url)), '../../bin/splicectl');

let scratch: string;
beforeAll(async () => (scratch = await mkdtemp(join(tmpdir(), 'splicecast-same-'))));
afterAll(async () => await rm(scratch, { recursive: true, force: true }));

test('the same patch becomes the same bytes: in another process, folder, time zone, language and user’s home', async () => {
  const kernel = await vendorKernel();
  for (const edit of [...fixes.sc_both, ...fixes.sc_probe]) {
    for (const [side, text] of [
      ['a', await textOf(kernel.source, edit.path)],
      ['b', await edited(kernel.source, edit)],
    ] as const) {
      await mkdir(dirname(join(scratch, side, edit.path)), { recursive: true });
      await writeFile(join(scratch, side, edit.path), text, 'latin1');
    }
  }
  // diff exits with 1 where there is a difference.
  const { stdout } = await run('sh', ['-c', 'diff -u -r a b || true'], { cwd: scratch });
  await writeFile(join(scratch, 'fix.patch'), stdout);
  const modules = await Promise.all(
    [
      { folder: 'here', TZ: 'UTC', LANG: 'C' },
      { folder: 'some/where/else', TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8' },
    ].map(async ({ folder, ...env }) => {
      const cwd = join(scratch, folder);
      await mkdir(join(cwd, 'tmp'), { recursive: true });
      const args = ['build', '--kernel', kernel.profile.folder, '--source', kernel.sourceFolder];
      const own = { ...process.env, ...env, NODE_OPTIONS: '', HOME: cwd, TMPDIR: join(cwd, 'tmp') };
      await run(program, [...args, '--patch', join(scratch, 'fix.patch'), '-o', 'same.ko'], { cwd, env: own });
      return await readFile(join(cwd, 'same.ko'));
    }),
  );
  expect(modules[0]?.length).toBeGreaterThan(10_000);
  expect(modules[0]?.equals(modules[1] ?? Buffer.alloc(0))).toBe(true);
}, 480_000);
