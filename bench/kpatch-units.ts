// Runs a folder of kpatch's unit-test objects (NAME.ORIG.o with NAME.PATCHED.o, or NAME.PATCHED.FAIL.o, which must not be
// made) through the object diff, and through kpatch's own program where its path is given. Exits 1 if an outcome or a set of
// changed functions is another and no reason for it is written down. The objects are kpatch's: fetch them to run this.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { diffObjects, type ObjectDiff } from '#libs/objdiff';
import { createDiffObject, type KpatchOutcome, writeSymbolTable } from './objdiff/create-diff-object.js';
import { type KnownDifference, knownDifferences } from './objdiff/known-differences.js';
import { medianTimeMs } from './objdiff/median.js';

const usage = 'node dist/bench/kpatch-units.js FOLDER [--kpatch CREATE_DIFF_OBJECT] [--rounds N]\n';

/** Before times are taken: the service that compares objects runs for long. */
const warmUpRounds = 3;

interface Case {
  readonly name: string;
  readonly original: string;
  readonly patched: string;
  readonly mustFail: boolean;
}

interface Row {
  readonly name: string;
  readonly ours: ObjectDiff;
  readonly timeMs: number;
  readonly kpatch: KpatchOutcome | undefined;
  readonly verdict: Verdict;
}

type Verdict = { readonly kind: 'equal' } | { readonly kind: 'explained' | 'DIFFERS'; readonly why: string };

function casesIn(folder: string): Case[] {
  const originals = readdirSync(folder).filter((file) => file.endsWith('.ORIG.o'));
  return originals.sort().map((file) => {
    const name = file.slice(0, -'.ORIG.o'.length);
    const fails = join(folder, `${name}.PATCHED.FAIL.o`);
    const mustFail = existsSync(fails);
    const patched = mustFail ? fails : join(folder, `${name}.PATCHED.o`);
    return { name, original: join(folder, file), patched, mustFail };
  });
}

/** `NAME=value` of the folder's Makefile, then those of the case. */
function sizesOf(folder: string, name: string): Record<string, string> {
  const files = [join(folder, 'Makefile'), join(folder, `${name}.env`)].filter((file) => existsSync(file));
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  return Object.fromEntries([...text.matchAll(/\b([A-Z_]+_SIZE)=(\d+)/g)].map(([, key, size]) => [key, size]));
}

function outcomeOf(diff: ObjectDiff): 'made' | 'refused' | 'no-change' {
  return diff.outcome === 'changed' ? 'made' : diff.outcome;
}

const changedBy = (diff: ObjectDiff) => (diff.outcome === 'no-change' ? [] : [...diff.changed].sort());
const sameNames = (a: readonly string[], b: readonly string[]) => a.join('\0') === b.join('\0');

/** Without kpatch's program only its file's name says what must come out. */
function judge(one: Case, ours: ObjectDiff, kpatch: KpatchOutcome | undefined): Verdict {
  const outcome = outcomeOf(ours);
  const expected = kpatch?.outcome ?? (one.mustFail ? 'not made' : 'made');
  const sameOutcome = expected === outcome || (expected === 'not made' && outcome !== 'made');
  // What a refused fix would have changed beside is no outcome.
  const sameChanged = kpatch === undefined || outcome !== 'made' || sameNames(kpatch.changed, changedBy(ours));
  const known = knownDifferences[one.name];
  if (known !== undefined) return explained(known, ours, kpatch);
  if (sameOutcome && sameChanged) return { kind: 'equal' };
  return { kind: 'DIFFERS', why: `${expected} ${kpatch?.changed.join(',') ?? ''} expected` };
}

/** A written reason holds for exactly what is written, and no longer than there is a difference. */
function explained(known: KnownDifference, ours: ObjectDiff, kpatch: KpatchOutcome | undefined): Verdict {
  const outcome = outcomeOf(ours);
  const codes = ours.outcome === 'refused' ? [...new Set(ours.reasons.map(({ code }) => code))].sort() : [];
  const expected = [...(kpatch?.changed ?? []), ...(known.alsoChanged ?? [])].sort();
  const holds =
    outcome === known.outcome &&
    sameNames(codes, [...(known.codes ?? [])].sort()) &&
    (kpatch === undefined || outcome !== 'made' || sameNames(expected, changedBy(ours)));
  return holds
    ? { kind: 'explained', why: known.why }
    : { kind: 'DIFFERS', why: `not as the written reason has it: ${codes.join(', ')}` };
}

function inputOf(one: Case) {
  const [original, patched] = [readFileSync(one.original), readFileSync(one.patched)];
  return { objectFile: one.name, owner: 'vmlinux', original, patched };
}

function run(one: Case, folder: string, scratch: string, kpatch: string | undefined, rounds: number): Row {
  const input = inputOf(one);
  const ours = diffObjects(input);
  const timeMs = medianTimeMs(() => diffObjects(input), rounds, 2);
  if (kpatch === undefined)
    return { name: one.name, ours, timeMs, kpatch: undefined, verdict: judge(one, ours, undefined) };
  const symbols = writeSymbolTable(one.original, scratch);
  const pair = { original: one.original, patched: one.patched, symbols };
  const outcomes = Array.from({ length: rounds }, () =>
    createDiffObject(kpatch, pair, scratch, sizesOf(folder, one.name)),
  ).sort((a, b) => a.timeMs - b.timeMs);
  const middle = outcomes[Math.floor(rounds / 2)];
  return { name: one.name, ours, timeMs, kpatch: middle, verdict: judge(one, ours, middle) };
}

function show(rows: readonly Row[]): string {
  const table = new Table({
    head: ['case', 'kpatch', 'ours', 'changed by kpatch', 'by ours', 'kpatch ms', 'ours ms', 'verdict'],
    style: { head: [], border: [], compact: true },
    colWidths: [null, null, null, 30, 30, null, null, 40],
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const { name, ours, timeMs, kpatch, verdict } of rows)
    table.push([
      name,
      kpatch?.outcome ?? '',
      outcomeOf(ours),
      kpatch?.changed.join(' ') ?? '',
      changedBy(ours).join(' '),
      kpatch?.timeMs.toFixed(1) ?? '',
      timeMs.toFixed(1),
      verdict.kind === 'equal' ? 'equal' : `${verdict.kind}: ${verdict.why}`,
    ]);
  const count = (kind: Verdict['kind']) => rows.filter(({ verdict }) => verdict.kind === kind).length;
  const slower = rows.filter(({ timeMs, kpatch }) => kpatch !== undefined && timeMs > kpatch.timeMs);
  return [
    table.toString(),
    `${rows.length} cases: ${count('equal')} equal, ${count('explained')} explained, ${count('DIFFERS')} differ`,
    `slower than kpatch: ${slower.length === 0 ? 'none' : slower.map(({ name }) => name).join(', ')}`,
    '',
  ].join('\n');
}

function main(): void {
  const { values, positionals } = parseArgs({
    options: { kpatch: { type: 'string' }, rounds: { type: 'string', default: '5' } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  const rounds = Number(values.rounds);
  if (folder === undefined || !Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    process.stderr.write(usage);
    process.exitCode = 1;
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'kpatch-units-'));
  try {
    const cases = casesIn(folder);
    for (let round = 0; round < warmUpRounds; round++) for (const one of cases) diffObjects(inputOf(one));
    const rows = cases.map((one) => run(one, folder, scratch, values.kpatch, rounds));
    process.stdout.write(show(rows));
    if (rows.length === 0 || rows.some(({ verdict }) => verdict.kind === 'DIFFERS')) process.exitCode = 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

main();
