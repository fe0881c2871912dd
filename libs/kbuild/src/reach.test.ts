import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelProfile } from '#libs/kernelimage';
import { compileObject } from './compile.js';
import { objectRules } from './folder-rules.js';
import { sourcesReaching } from './reach.js';
import { smallKernel, treeOf, writeFiles } from './small-kernel.fixture.js';
import { changedTree, folderTree, type SourceTree } from './source-tree.js';
import { Workspace } from './workspace.js';

const header = 'static inline int add(int a) { return a + 1; }\n';
const source: Readonly<Record<string, string>> = {
  Kbuild: 'obj-$(CONFIG_FS) += fs/\n',
  'fs/Makefile': 'ccflags-y := -I$(srctree)/lib/far\nobj-y += direct.o through.o other.o wrapped.o\n',
  'fs/direct.c': '#include <linux/add.h>\nint direct(void) { return add(1); }\n',
  'fs/through.c': '#include "private.h"\nint through(void) { return add(2); }\n',
  'fs/private.h': '#include <far.h>\n',
  'lib/far/far.h': '#include <linux/add.h>\n',
  'fs/other.c': '#include <linux/base.h>\nint other(struct base *b) { return b->a; }\n',
  'fs/wrapped.c':
    '#undef linux\n#define FILE_NAME <linux/add.h>\n#include FILE_NAME\nconst char *wrapped(void) { return __FILE__; }\n',
  'arch/arm/kernel/no.c': '#include <linux/add.h>\n',
};

let kernel: KernelProfile;
const opened: Workspace[] = [];
beforeAll(async () => {
  kernel = await smallKernel();
  await writeFiles(join(kernel.folder, 'headers'), { 'include/linux/add.h': header });
});
afterAll(async () => {
  await Promise.all(opened.map(async (one) => await one.remove()));
  await rm(kernel.folder, { recursive: true });
});

async function reaching(base: SourceTree, path: string, content: string): Promise<unknown> {
  const patched = changedTree(base, new Map([[path, Buffer.from(content)]]));
  const workspaces = [await Workspace.create(kernel, base, new Set([path]))];
  workspaces.push(await Workspace.create(kernel, patched, new Set([path])));
  opened.push(...workspaces);
  const [before, after] = workspaces;
  if (!before || !after) throw new Error('two workspaces');
  const found = await sourcesReaching(before, after, [path]);
  return found === 'unknown' ? found : [...found].sort();
}

const reachers = ['fs/direct.c', 'fs/through.c', 'fs/wrapped.c'];

test('finds who includes a public header, through other headers, folders of flags and macros', async () => {
  const base = treeOf({ ...source, 'include/linux/add.h': header });
  expect(await reaching(base, 'include/linux/add.h', header.replace('1', '2'))).toEqual(reachers);
  expect(await reaching(base, 'lib/far/far.h', '\n')).toEqual(['fs/through.c']);
});

test('keeps the index beside the profile, and makes another when a file changes', async () => {
  const folder = join(kernel.folder, 'source');
  await writeFiles(folder, { ...source, 'include/linux/add.h': header });
  const before = await readdir(join(kernel.folder, 'includes')).catch(() => []);
  expect(await reaching(folderTree(folder), 'include/linux/add.h', '')).toEqual(reachers);
  await writeFile(join(folder, 'fs/other.c'), '#include <linux/add.h>\n');
  expect(await reaching(folderTree(folder), 'include/linux/add.h', '')).toEqual([...reachers, 'fs/other.c'].sort());
  expect(await readdir(join(kernel.folder, 'includes'))).toHaveLength(before.length + 2);
});

test('a source that cannot be walked reaches nobody knows whom', async () => {
  const tree = treeOf(source);
  const unwalkable: SourceTree = { read: async (path) => await tree.read(path) };
  expect(await reaching(unwalkable, 'fs/private.h', '')).toBe('unknown');
});

test('the same source gives the same code in any folder, whatever the umask', async () => {
  const old = process.env['TMPDIR'];
  const objects: Buffer[] = [];
  for (const [at, name] of ['s', 'a-folder-with-a-much-longer-name'.repeat(3)].entries()) {
    const folder = join(kernel.folder, name);
    await writeFiles(folder, { keep: '' });
    process.env['TMPDIR'] = folder;
    const umask = process.umask(at === 0 ? 0o22 : 0o77);
    try {
      const workspace = await Workspace.create(kernel, treeOf(source));
      const rule = (await objectRules(workspace, 'fs', ['fs/wrapped.o'])).get('fs/wrapped.o');
      if (rule === undefined || typeof rule === 'string') throw new Error('no rule');
      const file = join(folder, 'object.o');
      await writeFile(file, (await compileObject(workspace, rule)).bytes);
      // The types name the folder; they never reach a module.
      execFileSync('objcopy', ['--remove-section', '.BTF', file]);
      objects.push(await readFile(file));
      await workspace.remove();
    } finally {
      process.umask(umask);
      if (old === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = old;
    }
  }
  expect(objects[0]?.equals(objects[1] ?? Buffer.alloc(0))).toBe(true);
});
