import type { StepItem } from './changelog/changelog.js';
import { deltaOf, type FileDelta } from './hunks/delta.js';
import { labelOf, type PlannedCommit, planSplit } from './plan.js';

const item = (subject: string, ...cves: string[]): StepItem => ({
  subject,
  cves,
  version: '2-1',
  at: '2026-11-16T00:00:00.000Z',
  author: { name: 'A', email: 'a@example.org' },
});

const lines = (text: string): string[] => text.match(/[^\n]*\n/g) ?? [];
const changed = (path: string, before: string, after: string): FileDelta =>
  deltaOf(path, { mode: '100644', lines: lines(before) }, { mode: '100644', lines: lines(after) });

const driver = (name: string, body = 'return 0;'): string =>
  `#include <x.h>\n\nstatic int ${name}_probe(void)\n{\n\tstart_${name}();\n\t${body}\n}\n\nstatic void ${name}_remove(void)\n{\n\tstop_${name}();\n}\n`;

/** A delta of many drivers, as a real step has them: rarity means nothing among three. */
const crowd = Array.from({ length: 40 }, (_, at) =>
  changed(`drivers/misc/crowd${at}.c`, driver(`crowd${at}`), driver(`crowd${at}`, `return crowd_${at}_init();`)),
);

/** A message of a catalogue, and its translation. */
const quote = (text: string): string => `#: drivers/net/qq100.c\nmsgid "x"\nmsgstr "${text}"\n`;

const given = (...files: FileDelta[]): FileDelta[] => [...crowd, ...files];
const described = (files: readonly FileDelta[], commits: readonly PlannedCommit[]): string[] =>
  commits
    .filter(({ changes }) => changes.some(({ file }) => file >= crowd.length))
    .map(
      ({ item, label, changes }) =>
        `${item?.subject ?? `[${label}]`} <- ${changes.map(({ file, hunks }) => `${files[file]?.path}:${hunks.join(',')}`).join(' ')}`,
    );

describe('planSplit', () => {
  test('a driver that one entry names goes to it, with its CVE ids', () => {
    const files = given(changed('drivers/iio/dps999.c', driver('dps999'), driver('dps999', 'return -EINVAL;')));
    const { commits: plan } = planSplit(files, [
      item('iio: dps999: fail early', 'CVE-2026-1'),
      item('usb: core: other'),
    ]);
    expect(described(files, plan)).toEqual(['iio: dps999: fail early <- drivers/iio/dps999.c:0']);
    expect(plan[0]?.item?.cves).toEqual(['CVE-2026-1']);
    expect(plan[0]?.confidence).toBeGreaterThan(0.5);
    expect(plan[0]?.confidence).toBeLessThan(1);
  });

  test('a catalogue of messages quotes the code, and is nobody’s by its words', () => {
    const names = 'qq100_probe(), qq100_frobnicate() and qq100_twiddle()';
    const planned = (path: string): string[] => {
      const files = given(changed(path, quote('alt'), quote(names)));
      return described(files, planSplit(files, [item(`net: qq100: fail in ${names}`)]).commits);
    };
    expect(planned('doc/notes.c')).toEqual([`net: qq100: fail in ${names} <- doc/notes.c:0`]);
    expect(planned('po/de.po')).toEqual(['[po] <- po/de.po:0']);
  });

  test('where nearly nothing has a likely subject, a path alone is no claim and a name is', () => {
    const many = Array.from({ length: 240 }, (_, at) =>
      changed(`src/area${at}/unit.c`, driver(`unit${at}`), driver(`unit${at}`, `return unit_${at}_init();`)),
    );
    const files = given(
      ...many,
      changed('drivers/net/qq100.c', driver('qq100'), driver('qq100', 'return -EIO;')),
      changed('drivers/net/qq200.c', driver('other'), driver('other', 'return -EIO;')),
    );
    const entries = [item('net: qq100: fail in qq100_probe()'), item('net: qq200: tidy up')];
    const vague = planSplit(files, entries);
    expect(described(files, vague.commits)[0]).toBe('net: qq100: fail in qq100_probe() <- drivers/net/qq100.c:0');
    expect(vague.commits.filter(({ item: one }) => one)).toHaveLength(1);
    expect(vague.byNamesAlone).toBe(true);
    const fewer = planSplit([...crowd, ...files.slice(crowd.length + many.length)], entries);
    expect(fewer.commits.map(({ item: one }) => one?.subject)).toContain('net: qq200: tidy up');
    expect(fewer.byNamesAlone).toBe(false);
  });

  test('two entries for one file part by the functions they name', () => {
    const before = driver('qq100');
    const after = before.replace('start_qq100', 'begin_qq100').replace('stop_qq100', 'cancel_qq100');
    const files = given(changed('drivers/net/qq100.c', before, after));
    const { commits: plan } = planSplit(files, [
      item('net: qq100: fix the order in qq100_remove()'),
      item('net: qq100: fix the order in qq100_probe()'),
    ]);
    expect(described(files, plan)).toEqual([
      'net: qq100: fix the order in qq100_remove() <- drivers/net/qq100.c:1',
      'net: qq100: fix the order in qq100_probe() <- drivers/net/qq100.c:0',
    ]);
  });

  test('two entries that fit a change equally well get neither of it: it is remainder', () => {
    const files = given(changed('drivers/net/qq100.c', driver('qq100'), driver('qq100', 'return 1;')));
    const { commits: plan } = planSplit(files, [
      item('net: qq100: make it better'),
      item('net: qq100: make it faster'),
    ]);
    expect(described(files, plan)).toEqual(['[drivers/net] <- drivers/net/qq100.c:0']);
    expect(plan.at(-1)?.confidence).toBe(0);
  });

  test('a function that is named alone is named well enough, in the smallest step too', () => {
    const before = driver('qq100');
    const files = given(changed('drivers/net/qq100.c', before, before.replace('return 0;', 'return 1;')));
    const { commits: plan } = planSplit(files, [item('qq100_probe() says how it went')]);
    expect(described(files, plan)).toEqual(['qq100_probe() says how it went <- drivers/net/qq100.c:0']);
  });

  test('a header follows the one of two entries whose code uses its new name', () => {
    const header = '#ifndef Z_H\n#define Z_H\n\nint z_old(void);\n\n#endif\n';
    const before = driver('qq100');
    const after = before.replace('return 0;', 'return z_shiny_helper();').replace('stop_qq100', 'cancel_qq100');
    const files = given(
      changed('drivers/net/qq100.c', before, after),
      changed(
        'include/linux/qq100.h',
        header,
        header.replace('old(void);\n', 'old(void);\nint z_shiny_helper(void);\n'),
      ),
    );
    const { commits: plan } = planSplit(files, [
      item('net: qq100: fix the order in qq100_remove()'),
      item('net: qq100: ask for help in qq100_probe()'),
    ]);
    expect(described(files, plan)).toContain(
      'net: qq100: ask for help in qq100_probe() <- drivers/net/qq100.c:0 include/linux/qq100.h:0',
    );
  });

  test('a prefix that fits a whole subsystem is no evidence by itself', () => {
    const files = crowd;
    const { commits: plan } = planSplit(files, [item('misc: sort things out')]);
    expect(plan.map(({ label }) => label)).toEqual(['drivers/misc']);
  });

  test('a deleted file goes as a whole', () => {
    const gone = deltaOf('fs/old/a.c', { mode: '100644', lines: ['a\n', 'b\n'] }, undefined);
    const { commits: plan } = planSplit(given(gone), [item('net: unrelated')]);
    expect(plan.find(({ label }) => label === 'fs/old')?.changes).toEqual([
      { file: crowd.length, hunks: [0], confidences: [0] },
    ]);
  });

  test('nothing changed, nothing planned', () => {
    expect(planSplit([], [item('foo: bar')]).commits).toEqual([]);
    expect(deltaOf('a', { mode: '100644', lines: ['a\n'] }, { mode: '100644', lines: ['a\n'] }).hunks).toEqual([]);
  });

  test.each([
    ['Makefile', 'top level'],
    ['kernel/params.c', 'kernel'],
    ['drivers/net/ethernet/x.c', 'drivers/net'],
  ])('%s is of %s', (path, label) => {
    expect(labelOf(path)).toBe(label);
  });
});
