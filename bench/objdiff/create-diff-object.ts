import { spawnSync } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';

/** What kpatch's create-diff-object made of a pair. */
export interface KpatchOutcome {
  readonly outcome: 'made' | 'refused' | 'no-change' | 'error';
  /** Functions that get a new body. */
  readonly changed: readonly string[];
  readonly timeMs: number;
}

const outcomes: readonly KpatchOutcome['outcome'][] = ['made', 'error', 'refused', 'no-change'];

/** Writes the symbol table that create-diff-object wants beside the pair: that of the original, as readelf prints it. */
export function writeSymbolTable(original: string, folder: string): string {
  const path = join(folder, 'symbols');
  const out = openSync(path, 'w');
  spawnSync('readelf', ['-s', '--wide', original], { stdio: ['ignore', out, 'ignore'] });
  closeSync(out);
  return path;
}

/** Runs it once; `sizes` are the environment variables that it takes the sizes of structures from. */
export function createDiffObject(
  program: string,
  pair: { original: string; patched: string; symbols: string },
  folder: string,
  sizes: Readonly<Record<string, string>>,
): KpatchOutcome {
  const args = [pair.original, pair.patched, 'vmlinux', pair.symbols, '/dev/null', 'bench', join(folder, 'out.o')];
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: { ...process.env, ...sizes },
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const timeMs = performance.now() - began;
  const found = `${stdout}\n${stderr}`.matchAll(/: changed function: (\S+)/g);
  return {
    outcome: outcomes[status ?? 1] ?? 'error',
    changed: [...found].map(([, name]) => name ?? '').sort(),
    timeMs,
  };
}

/** The sizes of Linux 6.1 on x86-64, for objects that were compiled from it. */
export const sizesOfLinux61: Readonly<Record<string, string>> = {
  ALT_STRUCT_SIZE: '12',
  BUG_STRUCT_SIZE: '12',
  EX_STRUCT_SIZE: '12',
  JUMP_STRUCT_SIZE: '16',
  ORC_STRUCT_SIZE: '6',
  PARA_STRUCT_SIZE: '16',
  PRINTK_INDEX_STRUCT_SIZE: '8',
  STATIC_CALL_STRUCT_SIZE: '8',
};
