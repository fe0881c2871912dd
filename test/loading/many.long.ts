import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareShare } from '#libs/guest';
import { buildFix, type HotPatch } from '#libs/hotpatch';
import { changedTree } from '#libs/kbuild';
import { LiveKernel } from './live-kernel.js';
import { textOf } from './make-patch.js';
import { type VendorKernel, vendorKernel } from './vendor-kernel.js';

const longMs = 30 * 60_000;
let scratch: string;
let kernel: VendorKernel;
let live: LiveKernel | undefined;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-many-'));
  kernel = await vendorKernel();
}, longMs);

afterAll(async () => {
  live?.shell.kill();
  await rm(scratch, { recursive: true, force: true });
});

/** What makes a function another one without making it do anything else. */
const marks = [/^\treturn 0;$/gm, /^\treturn ret;$/gm, /^\treturn err;$/gm, /^\treturn error;$/gm];

/** One live patch of a file: as many of its functions at once as can be replaced. */
async function patchOf(path: string): Promise<HotPatch | { readonly refused: readonly string[] }> {
  const text = await textOf(kernel.source, path);
  const refused: string[] = [];
  for (const mark of marks) {
    const marked = text.replace(mark, (found) => `\tasm volatile("nop");\n${found}`);
    if (marked === text) continue;
    const outcome = await buildFix({
      profile: kernel.profile,
      fix: {
        base: kernel.source,
        patched: changedTree(kernel.source, new Map([[path, Buffer.from(marked, 'latin1')]])),
        changes: [{ path, kind: 'modified' }],
      },
      moduleName: `many_${path.replaceAll(/[^a-z0-9]/g, '_')}`.slice(0, 55),
      replace: false,
    });
    if (outcome.outcome === 'built' && outcome.functions.some(({ object }) => object !== 'vmlinux'))
      return { refused: ['is of a module that isn’t loaded here'] };
    if (outcome.outcome === 'built') return outcome;
    refused.push(...outcome.reasons.map(({ code, symbol }) => `${code} ${symbol ?? ''}`));
  }
  return { refused };
}

/**
 * Every file of fs/proc/, with all its functions that return by a common line replaced, loaded into the kernel one by one
 * while it works on this very file system. What is refused has a reason; what is made is loaded, at work, and goes again.
 */
test(
  'every live patch that can be made of a folder loads, works and goes',
  async () => {
    const share = join(scratch, 'share');
    await mkdir(share);
    await prepareShare({ dir: share });
    const files: string[] = [];
    for (const folder of ['fs/proc'])
      for (const name of await readdir(join(kernel.sourceFolder, folder)))
        if (name.endsWith('.c')) files.push(`${folder}/${name}`);
    const made: HotPatch[] = [];
    const refused: string[] = [];
    for (const path of files.sort()) {
      const patch = await patchOf(path);
      if ('refused' in patch) {
        refused.push(`${path}: ${[...new Set(patch.refused)].join(', ') || 'no such line'}`);
        continue;
      }
      await writeFile(join(share, `${patch.module.name}.ko`), patch.module.bytes);
      made.push(patch);
    }
    live = await LiveKernel.boot({ ...kernel.guest, share, timeoutMs: longMs });
    const wrong: string[] = [];
    for (const { module } of made) {
      await live.load(module.name);
      const patched = await live.state(module.name, 'vmlinux/patched');
      await live.sees(
        'echo x >/tmp/x && cat /tmp/x /proc/self/maps /proc/mounts | sort | wc -l && ls /proc/self/fd && rm /tmp/x',
      );
      await live.remove(module.name);
      const complaints = await live.complaints();
      if (patched !== '1' || complaints.length > 0) wrong.push(`${module.name}: ${patched} ${complaints.join(' | ')}`);
    }
    const functions = made.reduce((sum, patch) => sum + patch.functions.length, 0);
    process.stdout.write(`${made.length} live patches of ${functions} functions loaded\n${refused.join('\n')}\n`);
    expect(wrong).toEqual([]);
    expect(made.length).toBeGreaterThan(10);
  },
  longMs,
);
