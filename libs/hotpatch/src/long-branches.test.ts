import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type CompiledObject,
  compileObject,
  type ObjectRule,
  objectRules,
  type SourceTree,
  Workspace,
} from '#libs/kbuild';
import { Btf, KernelProfile } from '#libs/kernelimage';
import { type ChangedDiff, diffObjects } from '#libs/objdiff';
import { matchRunPre } from '#libs/runpre';
import { withLongBranches } from './long-branches.js';
import type { BuildRequest } from './outcome.js';
import { makefileBuild, smallProfileData } from './small-profile.fixture.js';

/** A branch of two bytes, or of five where the hack is off, as asm/jump_label.h makes them. */
const branches = `
struct static_key { int enabled; void *entries; };
extern struct static_key key;
extern int other(int value);
#ifdef CONFIG_HAVE_JUMP_LABEL_HACK
#define INSN ".byte 0x66, 0x90"
#else
#define INSN ".byte 0x0f, 0x1f, 0x44, 0, 0"
#endif
static inline __attribute__((always_inline)) int branch(struct static_key *k) {
  asm goto("1: " INSN "\\n.pushsection __jump_table,\\"aw\\"\\n.balign 8\\n.long 1b - ., %l[yes] - .\\n"
    ".quad %c0 + 2 - .\\n.popsection" : : "i"(k) : : yes); return 0; yes: return 1; }
int f(int a) { if (branch(&key)) a = other(a) * 3; return a + K; }
int same(int a) { return other(a) + 1; }
`;

const flags = [
  '-O2 -ffreestanding -mcmodel=kernel -mno-red-zone -mno-sse -fno-pic -fcf-protection=none',
  '-fno-asynchronous-unwind-tables -pg -mfentry -mrecord-mcount -DCONFIG_HAVE_JUMP_LABEL_HACK=1',
].join(' ');

let folder: string;
let profile: KernelProfile;
const opened: Workspace[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'splicecast-branches-'));
  await write('headers/scripts/Makefile.build', makefileBuild);
  const emptyBtf = Buffer.alloc(24);
  emptyBtf.writeUInt16LE(0xeb9f);
  emptyBtf.writeUInt32LE(24, 4);
  const kbuild = { CC: ' gcc-12', srctree: '.', SRCARCH: 'x86', KBUILD_CFLAGS: flags };
  const data = smallProfileData({ kbuild, modules: { a: 'a.ko' } });
  profile = new KernelProfile(folder, data, [], new Map(), Btf.parse(emptyBtf));
});
afterAll(async () => {
  await Promise.all(opened.map(async (one) => await one.remove()));
  await rm(folder, { recursive: true });
});

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

async function open(source: string): Promise<Workspace> {
  const files: Record<string, string> = {
    Makefile: 'obj-m += mod/\n',
    'mod/Makefile': 'obj-m += a.o\n',
    'mod/a.c': source,
  };
  const tree: SourceTree = {
    read: (path) => Promise.resolve(files[path] === undefined ? undefined : Buffer.from(files[path])),
  };
  const workspace = await Workspace.create(profile, tree, new Set(['mod/a.c']));
  opened.push(workspace);
  return workspace;
}

interface Case {
  readonly long: readonly ChangedDiff[] | undefined;
  readonly vendors: ChangedDiff;
}

/** A fix that changes K from 1 to 2, of which the vendor's module has the short branches. */
async function lengthened(source: string, owner = 'a'): Promise<Case> {
  const [before, after] = [await open(`#define K 1\n${source}`), await open(`#define K 2\n${source}`)];
  const found = (await objectRules(before, 'mod', ['mod/a.o'])).get('mod/a.o');
  if (found === undefined || typeof found === 'string') throw new Error('no rule');
  const rule: ObjectRule = { ...found, owner };
  const [original, patched]: CompiledObject[] = [await compileObject(before, rule), await compileObject(after, rule)];
  if (!original || !patched) throw new Error('two objects');
  await write('object.o', original.bytes);
  await mkdir(join(folder, 'modules'), { recursive: true });
  execFileSync('ld', ['-r', '-o', join(folder, 'modules/a.ko'), join(folder, 'object.o')]);
  const objectFile = rule.object;
  const diff = diffObjects({ objectFile, owner, original: original.bytes, patched: patched.bytes });
  if (diff.outcome !== 'changed') throw new Error(JSON.stringify(diff));
  const fresh = new KernelProfile(folder, profile.data, [], new Map(), profile.btf);
  const matches = new Map([[objectFile, matchRunPre(fresh, { objectFile, owner: 'a', bytes: original.bytes })]]);
  const base: SourceTree = { read: () => Promise.resolve(undefined) };
  const fix = { base, patched: base, changes: [] };
  const request: BuildRequest = { profile: fresh, fix, moduleName: 'm', replace: false };
  const originals = new Map([[objectFile, original.bytes]]);
  return { long: await withLongBranches(request, [before, after], [rule], [diff], matches, originals), vendors: diff };
}

/** Bytes of the branches in a difference's functions. */
function branchesIn(diff: ChangedDiff): readonly number[] {
  return diff.included.replacements.flatMap(({ atom: { bytes, special } }) =>
    special.filter(({ section }) => section === '__jump_table').map(({ codeOffset }) => bytes[codeOffset] ?? 0),
  );
}

test('the same change with branches of five bytes: what it replaces is the vendor’s code', async () => {
  const { long, vendors } = await lengthened(branches);
  expect(branchesIn(vendors)).toEqual([0x66]);
  expect(long).toHaveLength(1);
  expect(long?.flatMap(branchesIn)).toEqual([0x0f]);
  expect(long?.map(({ changed }) => changed)).toEqual([['f']]);
  expect(long?.[0]?.functions[0]?.oldSha256).toBe(vendors.functions[0]?.oldSha256);
  expect(long?.[0]?.functions[0]?.newSha256).not.toBe(vendors.functions[0]?.newSha256);
});

test.each([
  [
    'another function changes too',
    '#ifndef CONFIG_HAVE_JUMP_LABEL_HACK\n#define M K\n#else\n#define M 0\n#endif\nint g(int a) { return other(a) + M; }',
  ],
  ['it has another function', '#ifndef CONFIG_HAVE_JUMP_LABEL_HACK\nint g(int a) { return other(a); }\n#endif'],
  ['it doesn’t compile', '#ifndef CONFIG_HAVE_JUMP_LABEL_HACK\n#error short ones only\n#endif'],
])('is none where %s with long branches', async (_what, more) => {
  expect((await lengthened(branches + more)).long).toBeUndefined();
});

test('of the kernel itself the branches stay as they are', async () => {
  const { long, vendors } = await lengthened(branches, 'vmlinux');
  expect(long).toEqual([vendors]);
});
