import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KernelProfile } from '#libs/kernelimage';
import { diffObjects, emitModule, type KernelView } from '#libs/objdiff';
import { matchRunPre } from '#libs/runpre';

const run = promisify(execFile);

const first = `#include <linux/module.h>
int second_get(char *buffer, const struct kernel_param *kp);
static const int base[] = { 1, 2, 3 };
static noinline int answer(int value) { return value + base[value % 3]; }
static int first_get(char *buffer, const struct kernel_param *kp) { return sprintf(buffer, "first %d\\n", answer(10)); }
static const struct kernel_param_ops first_ops = { .get = first_get };
static const struct kernel_param_ops second_ops = { .get = second_get };
module_param_cb(first, &first_ops, NULL, 0444);
module_param_cb(second, &second_ops, NULL, 0444);
MODULE_LICENSE("GPL");
`;

/** Has a static function of the same name as the other file. `K` is what a fix changes. */
const second = `#include <linux/module.h>
static noinline int answer(int value) { return value + K; }
int second_get(char *buffer, const struct kernel_param *kp) { return sprintf(buffer, "second %d\\n", answer(20)); }
`;

/** A module that isn't the vendor's, built with the kernel's headers, and a live patch of one of its two objects. */
export interface OutsideModule {
  readonly ko: Buffer;
  readonly patch: Uint8Array;
  /** The patched function's place among the two of that name. */
  readonly sympos: number;
}

async function build(profile: KernelProfile, folder: string, constant: number, flags: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'Makefile'), 'obj-m := outside.o\noutside-y := first.o second.o\n');
  await writeFile(join(folder, 'first.c'), first);
  await writeFile(join(folder, 'second.c'), second.replace('K;', `${constant};`));
  const args = ['-C', profile.headers, `M=${folder}`, `KCFLAGS=${flags}`, 'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules'];
  await run('make', args, { timeout: 120_000 });
}

/** Builds the module as anybody would, and its objects once more before and after a fix, a section for each function. */
export async function outsideModule(profile: KernelProfile, scratch: string): Promise<OutsideModule> {
  const split = '-ffunction-sections -fdata-sections';
  await build(profile, join(scratch, 'shipped'), 2, '');
  await build(profile, join(scratch, 'before'), 2, split);
  await build(profile, join(scratch, 'after'), 200, split);
  const ko = await readFile(join(scratch, 'shipped/outside.ko'));
  const owner = profile.addModule(ko);
  const objectFile = 'second.o';
  const original = await readFile(join(scratch, 'before', objectFile));
  const patched = await readFile(join(scratch, 'after', objectFile));
  const match = matchRunPre(profile, { objectFile, owner, bytes: original });
  if (match.matched !== match.checked) throw new Error(JSON.stringify(match.mismatches));
  const diff = diffObjects({ objectFile, owner, original, patched });
  if (diff.outcome !== 'changed') throw new Error(JSON.stringify(diff));
  const emitted = emitModule({
    name: 'sc_outside',
    kernel: viewOf(profile, match),
    diffs: [diff.included],
    replace: false,
  });
  if (emitted.outcome !== 'emitted') throw new Error(JSON.stringify(emitted));
  return { ko, patch: emitted.bytes, sympos: emitted.functions[0]?.sympos ?? 0 };
}

function viewOf(profile: KernelProfile, match: ReturnType<typeof matchRunPre>): KernelView {
  const view = Object.create(profile) as KernelView;
  return Object.assign(view, { sympos: (_file: string, symbol: string) => match.sympos(symbol) });
}
