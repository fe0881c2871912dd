import type { Reason } from '#libs/contracts';
import type { BuildOutcome, HotPatch, Refusal } from '#libs/hotpatch';
import { printJson, printLines } from '../output.js';

/** As objdiff's. */
const exitCodes = { built: 0, refused: 2, 'no-change': 3 } as const;

/** Tells what became of a build, and sets the exit code. */
export function reportBuild(
  outcome: BuildOutcome,
  { output, json, durationMs }: { readonly output: string; readonly json: boolean; readonly durationMs: number },
): void {
  const kind = outcome.outcome === 'built' ? 'built' : isNoChange(outcome) ? 'no-change' : 'refused';
  process.exitCode = exitCodes[kind];
  if (json) printJson({ outcome: kind, ...partsOf(outcome, output), durationMs });
  else if (outcome.outcome === 'built') printBuilt(outcome, output, durationMs);
  else printReasons(`refused (${outcome.stage})`, outcome.reasons);
}

function partsOf(outcome: BuildOutcome, path: string): object {
  const objects = outcome.objects.map(({ path, owner }) => ({ path, owner }));
  const brings = outcome.brings === undefined ? {} : { brings: outcome.brings };
  if (outcome.outcome === 'refused') return { stage: outcome.stage, reasons: outcome.reasons, objects, ...brings };
  const { functions, runPre, warnings, module } = outcome;
  const made = { name: module.name, path, sizeBytes: module.bytes.length };
  return { module: made, functions, runPre, warnings, objects, ...brings };
}

function isNoChange({ stage, reasons }: Refusal): boolean {
  return stage === 'diff' && reasons.every(({ code }) => code === 'no-change');
}

function printReasons(label: string, reasons: readonly Reason[]): void {
  for (const { code, reason, symbol, object, advice } of reasons) {
    const where = [object, symbol].filter((one) => one !== undefined).join(' ');
    printLines(`${label}: ${where}${where === '' ? '' : ': '}${reason} [${code}]`);
    if (advice !== undefined) printLines(`    ${advice}`);
  }
}

function printBuilt(
  { module, functions, runPre, warnings, brings = [] }: HotPatch,
  output: string,
  durationMs: number,
): void {
  for (const { commit, subject, why } of brings) {
    printLines(`brings ${commit.slice(0, 12)} ${subject} (${why})`);
  }
  for (const { object, symbol, sizeBytes } of functions) {
    printLines(`replaces ${object}:${symbol} (${sizeBytes} bytes)`);
  }
  printReasons('note', warnings);
  printLines(
    `made ${output} (${module.bytes.length} bytes) in ${(durationMs / 1000).toFixed(1)} s; ` +
      `${runPre.matched} of ${runPre.checked} functions match the running kernel`,
  );
}
