import type { Candidate, PatchHunk } from '../candidates/candidate.js';
import { ChangedLines } from './changed-lines.js';

const path = 'gc.c';
const patch = (...changed: readonly string[]): Pick<Candidate, 'files'> => {
  const hunk: PatchHunk = {
    oldStart: 1,
    section: '',
    signs: changed.map((line) => line[0]).join(''),
    lines: changed.map((line) => `${line.slice(1)}\n`),
  };
  return { files: [{ from: path, to: path, copied: false, hunks: [hunk] }] };
};
const lines = (...texts: readonly string[]): string[] => texts.map((text) => `${text}\n`);
const evidence = (before: readonly string[], after: readonly string[], one: Pick<Candidate, 'files'>): unknown =>
  new ChangedLines([{ path, before, after }]).evidenceOf(one);

const opts = 'struct maintenance_run_opts opts;';
const lock = 'static int lock_repo_for_gc(void);';
const main = 'int cmd_gc(int argc, const char **argv);';

it('finds a line that moves where the versions are compared in order', () => {
  const moves = patch(`+${opts}`, ` ${lock}`, `-${opts}`);
  expect(evidence(lines(lock, main, opts), lines(opts, lock, main), moves)).toEqual({ share: 1, hits: 2, total: 2 });
  expect(evidence(lines(lock, opts, main), lines(lock, opts), moves)).toEqual({ share: 0, hits: 0, total: 2 });
});

it('finds lines whose blanks change', () => {
  const before = lines('ifdef NO_ICONV', '\tBASIC_CFLAGS += -DNO_ICONV', 'endif');
  const after = lines('ifdef NO_ICONV', '        BASIC_CFLAGS += -DNO_ICONV', 'endif');
  const indents = patch('-\tBASIC_CFLAGS += -DNO_ICONV', '+        BASIC_CFLAGS += -DNO_ICONV');
  expect(evidence(before, after, indents)).toEqual({ share: 1, hits: 2, total: 2 });
  const otherwise = patch('-\tBASIC_CFLAGS += -DNO_ICONV', '+  BASIC_CFLAGS += -DNO_ICONV');
  expect(evidence(before, after, otherwise)).toEqual({ share: 0.5, hits: 1, total: 2 });
});

it('takes the lines of edits as they are', () => {
  const edits = new ChangedLines([{ path, before: lines(opts), after: lines(opts), areEdits: true }]);
  expect(edits.evidenceOf(patch(`-${opts}`, ` ${lock}`, `+${opts}`))).toMatchObject({ share: 1 });
});

it('lets one file speak like two hundred lines at most', () => {
  const made = Array.from({ length: 1000 }, (_, at) => `rendered_${at}();`);
  const table: Candidate['files'][number] = {
    ...patch(...made.map((line) => `+${line}`)).files[0]!,
    from: 'made.c',
    to: 'made.c',
  };
  const { files } = patch(`+${opts}`, `+${lock}`);
  const changed = new ChangedLines([{ path, before: lines(main), after: lines(main, opts, lock) }]);
  expect(changed.evidenceOf({ files: [...files, table] })).toEqual({ share: 2 / 202, hits: 2, total: 202 });
  expect(changed.linesFound(table, 'moves')).toEqual({ hits: 0, total: 1000 });
});
