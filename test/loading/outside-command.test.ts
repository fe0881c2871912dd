import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readElf } from '#libs/elf';
import { outsideModule } from './outside-module.js';
import { vendorKernel } from './vendor-kernel.js';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../../bin/splicectl', import.meta.url));

let scratch: string;
beforeAll(async () => (scratch = await mkdtemp(join(tmpdir(), 'splicecast-outside-'))));
afterAll(async () => await rm(scratch, { recursive: true, force: true }));

test('splicectl objdiff makes a live patch of a module that the vendor doesn’t ship', async () => {
  const kernel = await vendorKernel();
  const { sympos } = await outsideModule(kernel.profile, scratch);
  const objects = ['before/second.o', 'after/second.o'].map((name) => join(scratch, name));
  const output = join(scratch, 'sc_outside.ko');
  const args = ['--kernel', kernel.profile.folder, '--module-file', join(scratch, 'shipped/outside.ko')];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await run(
    program,
    ['objdiff', ...objects, ...args, '--object-file', 'second.o', '-o', output, '--json'],
    { env },
  );
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: 'made',
    changed: ['answer.constprop.0'],
    refusals: [],
    module: { path: output },
  });
  const made = await readFile(output);
  // Where the kernel is to find the old code: in the module, and which of its two functions of that name.
  expect(made.includes('\0outside\0')).toBe(true);
  expect(readElf(made).symbols.map(({ name }) => name)).toContain('answer.constprop.0');
  expect(sympos).toBe(2);
}, 600_000);
