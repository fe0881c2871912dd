import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readElf, sectionNamed } from '#libs/elf';
import { changedTree, type SourceTree } from '#libs/kbuild';
import { Btf, KernelProfile } from '#libs/kernelimage';
import { buildFix } from './build-fix.js';
import type { BuildOutcome } from './outcome.js';
import { makefileBuild, smallProfileData } from './small-profile.fixture.js';

const header = 'include/net/sock.h';
const declared = 'struct sock { int family; long flags; };\nstruct unheard_of { int x; };\n#define SOCK_LIMIT 8\n';
/** More than are looked at for one fix; nearly all of them of another configuration. */
const many = 3100;

const files = new Map<string, string>([
  ['Makefile', 'obj-m += net/\n'],
  ['net/Makefile', 'obj-m += used.o\n'],
  ['net/used.c', '#include <net/sock.h>\nint used(struct sock *sk) { return sk->family + SOCK_LIMIT; }\n'],
  [header, declared],
]);
for (let at = 0; at < many; at++)
  files.set(`net/other${at}.c`, '#include <net/sock.h>\nint o = SOCK_LIMIT + sizeof(struct sock);\n');

const base: SourceTree = {
  read: (path) => Promise.resolve(files.has(path) ? Buffer.from(files.get(path) ?? '') : undefined),
  walk: {
    identity: () => Promise.resolve('many'),
    async *files(wanted) {
      for (const [path, content] of files) if (wanted(path)) yield { path, content: Buffer.from(content) };
    },
  },
};

let folder: string;
let profile: KernelProfile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-layouts-'));
  for (const [path, text] of [
    ['scripts/Makefile.build', makefileBuild],
    [header, declared],
  ] as const) {
    await mkdir(dirname(join(folder, 'headers', path)), { recursive: true });
    await writeFile(join(folder, 'headers', path), text);
  }
  await writeFile(join(folder, 'kernel.c'), `${declared}struct sock alive;\n`);
  execFileSync('gcc-12', ['-gbtf', '-c', '-o', join(folder, 'kernel.o'), join(folder, 'kernel.c')]);
  const btf = Btf.parse(
    Buffer.from(sectionNamed(readElf(await readFile(join(folder, 'kernel.o'))), '.BTF')?.data ?? []),
  );
  const kbuild = {
    CC: ' gcc-12',
    srctree: '.',
    SRCARCH: 'x86',
    KBUILD_CFLAGS: '-O2 -I./include',
    LINUXINCLUDE: '-I./include',
  };
  profile = new KernelProfile(folder, smallProfileData({ kbuild }), [], new Map(), btf);
});
afterAll(async () => await rm(folder, { recursive: true }));

async function build(now: string): Promise<BuildOutcome> {
  const patched = changedTree(base, new Map([[header, Buffer.from(now)]]));
  const fix = { base, patched, changes: [{ path: header, kind: 'modified' as const }] };
  return await buildFix({ profile, fix, moduleName: 'm', replace: false });
}

test('a structure that the kernel has and that changes is refused by its name, however many include it', async () => {
  const outcome = await build(declared.replace('long flags;', 'long flags; int added;'));
  expect(outcome).toMatchObject({
    stage: 'diff',
    reasons: [{ code: 'layout-changed', symbol: 'struct sock', object: 'net/used.o' }],
  });
});

test('one that the kernel doesn’t have is no matter; that there are too many objects is', async () => {
  const outcome = await build(declared.replace('int x;', 'int x, y;').replace('8', '9'));
  expect(outcome).toMatchObject({ stage: 'apply', reasons: [{ code: 'too-many-objects' }] });
});

test('a header with which nothing compiles any more is refused with the compiler’s words', async () => {
  const outcome = await build(`${declared.replace('8', '9')}static inline nowhere_t f(void) { return SOCK_LIMIT; }\n`);
  expect(outcome).toMatchObject({
    stage: 'compile',
    reasons: [{ code: 'compile-failed', reason: expect.stringContaining('nowhere_t') as unknown }],
  });
});
