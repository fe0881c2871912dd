import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { crafts } from '../../bench/fuzz/crafted.js';
import type { CraftedRun } from '../../bench/fuzz/crafted-worker.js';

const run = promisify(execFile);
const worker = join(dirname(fileURLToPath(import.meta.url)), '../../dist/bench/fuzz/crafted-worker.js');

/** What each takes that has nothing to do with its input: 4 MiB an object, and garbage that V8 hasn't collected yet. */
const allowanceBytes = 16 * 2 ** 20;

/** As many as make several megabytes. ELF has no more than 65,279 sections. */
const counts: Readonly<Record<string, number>> = {
  symbols: 90_000,
  sections: 60_000,
  'sections of code': 60_000,
  'empty sections': 60_000,
  functions: 30_000,
  'fields of modinfo': 1_000_000,
};

async function read(kind: string, reader: string): Promise<CraftedRun> {
  const flags = ['--expose-gc', '--max-semi-space-size=4', '--max-old-space-size=1024'];
  const args = [...flags, worker, kind, String(counts[kind] ?? 200_000), reader];
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
  return JSON.parse(stdout) as CraftedRun;
}

/** Run-pre matching knows no tables, strings or snippets: they are bytes and relocations to it. */
const cases = [
  ...Object.keys(crafts).map((kind) => ['objdiff', kind] as const),
  ...['relocations', 'references to variables', 'symbols', 'functions'].map((kind) => ['runpre', kind] as const),
];

test.each(cases)(
  '%s: an object of nothing but %s is read or refused, in four times its memory',
  async (reader, kind) => {
    const { outcome, inputBytes, peakBytes } = await read(kind, reader);
    expect(outcome).toMatch(/^(?:no-change|changed|refused|too-large|\d+ checked)$/);
    expect(peakBytes).toBeLessThan(4 * inputBytes + allowanceBytes);
  },
  120_000,
);
