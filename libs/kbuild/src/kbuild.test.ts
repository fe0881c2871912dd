import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelProfile } from '#libs/kernelimage';
import { compileObject } from './compile.js';
import { folderObjects, type ObjectRule, objectRules, type Unbuilt } from './folder-rules.js';
import { smallKernel, treeOf } from './small-kernel.fixture.js';
import { folderOf, Workspace } from './workspace.js';

const source: Readonly<Record<string, string>> = {
  Kbuild: 'obj-$(CONFIG_FS) += fs/\nobj-$(CONFIG_NET) += net/\nobj-$(CONFIG_OLD) += old/\n',
  'fs/Makefile': 'subdir-ccflags-y := -DALL_OF_FS\nobj-y += file.o deep/\nCFLAGS_file.o := -DONLY_FILE="a b"\n',
  'fs/file.c': '#include <linux/base.h>\n#include "private.h"\nint file(void) { return PRIVATE + FROM_HEADERS; }\n',
  'fs/private.h': '#include "deep/deeper.h"\n#define PRIVATE DEEPER\n',
  'fs/deep/deeper.h': '#define DEEPER 1\n',
  'fs/deep/Makefile': 'include fs/deep/objects.mk\n',
  'fs/deep/objects.mk': 'obj-m += deep-mod.o\ndeep-mod-y := one.o sub/two.o\n',
  'fs/deep/one.c': 'int one(void) { return 1; }\n',
  'fs/deep/sub/two.c': '#include "../deeper.h"\nint two(void) { return DEEPER; }\n',
  'net/Makefile': 'obj-y += never.o\nobj-m += vlan.o card/main/\n',
  'net/card/main/Makefile':
    'obj-m += card.o\ncard-y := ../shared/bus.o parser.asn1.o\n$(obj)/parser.asn1.o: $(obj)/parser.asn1.c\n',
  'net/card/shared/bus.c': '#include "bus.h"\nint bus(void) { return BUS; }\n',
  'net/card/shared/bus.h': '#define BUS 7\n',
  'net/vlan.c': '#ifndef MODULE\n#error built in\n#endif\nint vlan(void) { return 0; }\n',
  'old/Makefile': 'obj-y += old.o\n',
  'old/old.c': 'int old;\n',
};

let kernel: KernelProfile;
let workspace: Workspace;
const opened: Workspace[] = [];
const open = async (files: Readonly<Record<string, string>>): Promise<Workspace> => {
  const made = await Workspace.create(kernel, treeOf(files), new Set(['fs/file.c']));
  opened.push(made);
  return made;
};
beforeAll(async () => {
  kernel = await smallKernel();
  workspace = await open(source);
});
afterAll(async () => {
  await Promise.all(opened.map(async (one) => await one.remove()));
  await rm(kernel.folder, { recursive: true });
});

async function ruleOf(object: string, where = workspace): Promise<ObjectRule | Unbuilt | undefined> {
  return (await objectRules(where, folderOf(object), [object])).get(object);
}
async function built(object: string, where = workspace): Promise<ObjectRule> {
  const rule = await ruleOf(object, where);
  if (rule === undefined || typeof rule === 'string') throw new Error(`${object}: ${rule}`);
  return rule;
}

describe('what make said', () => {
  test('is kept beside the profile, for as long as the Makefiles are the same', async () => {
    const first = await built('fs/file.o', await open(source));
    const path = process.env['PATH'];
    // The same compiler, and no make.
    process.env['PATH'] = await programs('#!/bin/sh\nexec /usr/bin/gcc-12 "$@"\n');
    try {
      expect(await built('fs/file.o', await open(source))).toEqual(first);
      const other = { ...source, 'fs/Makefile': source['fs/Makefile']?.replace('ONLY_FILE', 'OTHER') ?? '' };
      await expect(built('fs/file.o', await open(other))).rejects.toThrow('make');
      await expect(built('fs/file.o', await open({ ...source, 'fs/Kbuild': 'obj-y += file.o' }))).rejects.toThrow(
        'make',
      );
      await expect(built('fs/deep/one.o', await open({ ...source, 'fs/deep/objects.mk': '' }))).rejects.toThrow('make');
    } finally {
      process.env['PATH'] = path;
    }
  });
});

/** A folder of programs in which there is but this compiler. */
async function programs(compiler: string): Promise<string> {
  const folder = await mkdtemp(join(kernel.folder, 'programs-'));
  await writeFile(join(folder, 'gcc-12'), compiler, { mode: 0o755 });
  return folder;
}

test('what make said with one compiler is not what it says with another version of it', async () => {
  const first = await built('fs/file.o', await open(source));
  const path = process.env['PATH'];
  process.env['PATH'] = await programs('#!/bin/sh\necho gcc-12 99.1\n');
  try {
    await expect(built('fs/file.o', await open(source))).rejects.toThrow('make');
  } finally {
    process.env['PATH'] = path;
  }
  expect(await built('fs/file.o', await open(source))).toEqual(first);
});

describe('objectRules', () => {
  test('knows owner and flags, of the folder, of those above and of the file', async () => {
    const rule = await built('fs/file.o');
    expect(rule.owner).toBe('vmlinux');
    expect(rule.compile).toEqual(
      expect.arrayContaining(['gcc-12', '-O2', '-I./include', '-DALL_OF_FS', '-DONLY_FILE=a b', '-DNAME="file"']),
    );
    expect(rule.compile.some((flag) => flag.startsWith('-Wp'))).toBe(false);
    expect(rule.objtool).toBeUndefined();
    expect((await built('fs/deep/one.o')).compile).toContain('-DALL_OF_FS');
  });

  test('knows the parts of a module, in folders without a Makefile too', async () => {
    expect((await built('fs/deep/one.o')).owner).toBe('deep_mod');
    expect((await built('fs/deep/sub/two.o')).owner).toBe('deep_mod');
    expect((await built('net/vlan.o')).owner).toBe('vlan');
  });

  test('knows the objects that another folder’s Makefile makes, and those of generated sources', async () => {
    expect(await built('net/card/shared/bus.o')).toMatchObject({ object: 'net/card/shared/bus.o', owner: 'card' });
    const shared = (await folderObjects(workspace, 'net/card/shared')).map(({ object }) => object);
    expect(shared).toEqual(['net/vlan.o', 'net/card/shared/bus.o']);
    expect((await folderObjects(workspace, 'net/card/main')).map(({ object }) => object)).toEqual([
      'net/card/main/parser.asn1.o',
    ]);
    const compiled = await compileObject(workspace, await built('net/card/shared/bus.o'));
    expect([...compiled.sources].sort()).toEqual(['net/card/shared/bus.c', 'net/card/shared/bus.h']);
  });

  test('says what this kernel does not build', async () => {
    expect(await ruleOf('old/old.o')).toBe('not-configured');
    // obj-y of a folder that is only entered for modules is linked nowhere.
    expect(await ruleOf('net/never.o')).toBe('not-configured');
    expect(await ruleOf('nowhere/at/all.o')).toBe('not-configured');
  });

  test('refuses names that could mean something to make or lead out of the tree', async () => {
    for (const object of ['fs/$(shell id).o', 'fs/a b.o', '../x.o', 'fs/x.c']) {
      await expect(objectRules(workspace, folderOf(object), [object])).rejects.toMatchObject({ code: 'bad-path' });
    }
  });

  test('tells a Makefile that does not evaluate', async () => {
    const broken = await open({ ...source, 'fs/Makefile': 'ifeq (\n' });
    await expect(ruleOf('fs/file.o', broken)).rejects.toMatchObject({ code: 'makefile-failed', path: 'fs' });
  });

  test('tells a header that the build would write, by its name', async () => {
    // As security/selinux/Makefile has it.
    const rules = '$(obj)/file.o: $(obj)/made.h\n$(obj)/made.h: scripts/make-it/make-it FORCE\n\t$< $@\n';
    const generating = await open({ ...source, 'fs/Makefile': `${source['fs/Makefile']}${rules}` });
    await expect(ruleOf('fs/file.o', generating)).rejects.toMatchObject({
      code: 'generated-source',
      path: 'fs',
      message: expect.stringMatching(/^fs\/made\.h .*scripts\/make-it\/make-it/) as string,
    });
  });

  test('lists the objects of a folder', async () => {
    const rules = await folderObjects(workspace, 'fs/deep/sub');
    expect(rules.map(({ object }) => object).sort()).toEqual(['fs/deep/one.o', 'fs/deep/sub/two.o']);
  });
});

describe('compileObject', () => {
  test('compiles with private headers from the source and public ones from the kernel', async () => {
    const compiled = await compileObject(workspace, await built('fs/file.o'));
    expect([...compiled.sources].sort()).toEqual(['fs/deep/deeper.h', 'fs/file.c', 'fs/private.h']);
    expect(compiled.bytes.subarray(0, 4).toString('latin1')).toBe('\u007fELF');
    expect(compiled.bytes.includes('.text.file')).toBe(true);
  });

  test('tells what the compiler said', async () => {
    const broken = await open({ ...source, 'fs/file.c': 'int file(void) { return undeclared; }\n' });
    await expect(compileObject(broken, await built('fs/file.o', broken))).rejects.toMatchObject({
      code: 'compile-failed',
      path: 'fs/file.o',
      message: expect.stringContaining("'undeclared' undeclared") as string,
    });
  });

  test('tells a compiler that is not there', async () => {
    const rule = await built('fs/file.o');
    const foreign = { ...rule, compile: ['gcc-of-another-planet', ...rule.compile.slice(1)] };
    await expect(compileObject(workspace, foreign)).rejects.toMatchObject({ code: 'compiler-not-found' });
  });
});

test('a workspace never writes into the profile', async () => {
  await workspace.place('include/linux/new.h');
  await compileObject(workspace, await built('fs/file.o'));
  expect(await readdir(kernel.headers)).toEqual(['include', 'scripts']);
  expect(await readdir(`${kernel.headers}/include/linux`)).toEqual(['base.h']);
  await expect(workspace.place('../../etc/passwd')).rejects.toMatchObject({ code: 'bad-path' });
});
