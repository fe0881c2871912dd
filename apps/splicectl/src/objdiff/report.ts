import type { Reason } from '#libs/contracts';
import type { EmitOutcome, ObjectDiff } from '#libs/objdiff';
import { printLines } from '../output.js';

export const exitCodes = { made: 0, error: 1, refused: 2, 'no-change': 3 } as const;

/** What the command found, in the form that `--json` prints. */
export interface Report {
  readonly outcome: keyof typeof exitCodes;
  readonly changed: readonly string[];
  readonly new: readonly string[];
  /** `symbol` is there always: the object's name if it is about no symbol. */
  readonly refusals: readonly (Reason & { readonly symbol: string })[];
  readonly bundled: readonly string[];
  readonly notices: readonly Reason[];
  readonly module?: { readonly path: string; readonly sizeBytes: number };
}

/** What a comparison, and the module that was made of it, come to. */
export function reportOf(diff: ObjectDiff, emitted?: EmitOutcome): Report {
  const names = {
    changed: diff.outcome === 'no-change' ? [] : diff.changed,
    new: diff.outcome === 'no-change' ? [] : diff.added,
    bundled: diff.outcome === 'changed' ? diff.bundled : [],
  };
  const notices = [...diff.notices, ...(emitted?.outcome === 'emitted' ? emitted.notices : [])];
  const reasons = diff.outcome === 'refused' ? diff.reasons : emitted?.outcome === 'refused' ? emitted.reasons : [];
  const refusals = reasons.map((reason) => ({ ...reason, symbol: reason.symbol ?? reason.object ?? '' }));
  const unreadable = refusals.some(({ code }) => code === 'not-an-object');
  const refused = unreadable ? 'error' : refusals.length > 0 ? 'refused' : 'made';
  return { outcome: diff.outcome === 'no-change' ? 'no-change' : refused, ...names, refusals, notices };
}

function list(label: string, names: readonly string[]): void {
  if (names.length > 0) printLines(`${label}: ${names.join(', ')}`);
}

/** Prints for people. */
export function printReport(report: Report): void {
  list('changed', report.changed);
  list('new', report.new);
  list('copied along', report.bundled);
  for (const [label, reasons] of [
    ['note', report.notices],
    ['refused', report.refusals],
  ] as const)
    for (const { symbol, code, reason, advice } of reasons) {
      const hint = advice === undefined ? [] : [`    ${advice}`];
      printLines(`${label}: ${symbol ?? ''} ${reason} [${code}]`, ...hint);
    }
  if (report.outcome === 'no-change') printLines('no change');
  if (report.module !== undefined) printLines(`made ${report.module.path} (${report.module.sizeBytes} bytes)`);
}
