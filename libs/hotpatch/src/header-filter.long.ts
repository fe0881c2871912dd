import { diffObjects } from '#libs/objdiff';
import {
  changedTree,
  compileObject,
  folderObjects,
  type ObjectRule,
  preprocess,
  type SourceTree,
  Workspace,
} from '#libs/kbuild';
import { type VendorKernel, vendorKernel } from '../../../test/loading/vendor-kernel.js';
import { includersOf, reachOf } from './includers.js';

/** The same one gives the same commits and the same objects. */
const seed = 11;
/** Of the objects that the filter leaves out, so many are compiled a commit, twice each. */
const compiledEach = 5;
const longMs = 30 * 60_000;

/** Headers of which many objects of the folder include, and few use any one function. */
const headers = [
  { header: 'fs/proc/internal.h', folder: 'fs/proc' },
  { header: 'net/8021q/vlan.h', folder: 'net/8021q' },
  { header: 'fs/mount.h', folder: 'fs' },
] as const;

let kernel: VendorKernel;
beforeAll(async () => {
  kernel = await vendorKernel();
}, longMs);

/** Numbers that look random (mulberry32). */
function randomOf(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** An inline function that returns something. */
const inline = /^static inline [^;{}]*?(\w+)\([^;{}]*\)\n\{\n(?:(?!^\}).*\n)*?(?=\treturn )/gm;

/** A commit of our own: one inline function of the header does one instruction more. */
function commitOn(text: string, random: () => number): { readonly name: string; readonly text: string } {
  const [found] = shuffled([...text.matchAll(inline)], random);
  if (found?.[1] === undefined) throw new TypeError('no inline function that returns');
  const at = found.index + found[0].length;
  return { name: found[1], text: `${text.slice(0, at)}\tasm volatile("nop");\n${text.slice(at)}` };
}

/** The objects of a folder that include the header, by the compiler's own account. */
async function includersIn(before: Workspace, header: string, folder: string): Promise<readonly ObjectRule[]> {
  const including: ObjectRule[] = [];
  for (const rule of await folderObjects(before, folder))
    if ((await preprocess(before, rule))?.files.has(header) === true) including.push(rule);
  return including;
}

async function outcomeOf(before: Workspace, after: Workspace, rule: ObjectRule): Promise<string> {
  const [original, patched] = [await compileObject(before, rule), await compileObject(after, rule)];
  const { object: objectFile, owner } = rule;
  const sizes = before.profile.tableSizes();
  return diffObjects({ objectFile, owner, original: original.bytes, patched: patched.bytes, sizes }).outcome;
}

test.each(headers)(
  'objects that include $header and don’t use what a commit changes in it are compiled to the same',
  async ({ header, folder }) => {
    const random = randomOf(seed);
    const text = (await kernel.source.read(header))?.toString('latin1') ?? '';
    const commit = commitOn(text, random);
    const patchedSource: SourceTree = changedTree(
      kernel.source,
      new Map([[header, Buffer.from(commit.text, 'latin1')]]),
    );
    const changed = new Set([header]);
    const before = await Workspace.create(kernel.profile, kernel.source, changed);
    const after = await Workspace.create(kernel.profile, patchedSource, changed);
    try {
      const found = await includersOf(before, after, [header], [], reachOf(1), () => undefined);
      expect(found.refusals).toEqual([]);
      const kept = new Set(found.rules.map(({ object }) => object));
      const including = shuffled(await includersIn(before, header, folder), random);
      const [inside, outside] = [true, false].map((is) => including.filter(({ object }) => kept.has(object) === is));
      const outcomes = new Map<string, string>();
      for (const rule of (outside ?? []).slice(0, compiledEach))
        outcomes.set(rule.object, await outcomeOf(before, after, rule));
      // That it leaves something out, and keeps what does differ, shows that there was something to get wrong.
      const users = (inside ?? []).slice(0, 3);
      const differing: string[] = [];
      for (const rule of users) differing.push(await outcomeOf(before, after, rule));
      process.stdout.write(
        `${header} ${commit.name}: ${including.length} objects of ${folder} include it, ${kept.size} are kept\n`,
      );
      expect(outcomes.size).toBeGreaterThan(0);
      expect([...outcomes].filter(([, outcome]) => outcome !== 'no-change')).toEqual([]);
      expect(differing).toContain('changed');
    } finally {
      await before.remove();
      await after.remove();
    }
  },
  longMs,
);
