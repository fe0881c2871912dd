import fc from 'fast-check';
import { ChangelogError, changelogSchema } from './changelog.js';
import { parseChangelog } from './parse.js';
import { changelogStep } from './step.js';

const debian = `linux (6.1.3-2) stable; urgency=high

  * foo: fix the last one (Closes: #12345)

 -- A. Packager <a@example.org>  Mon, 16 Nov 2026 11:17:40 +0100

linux (6.1.3-1) stable; urgency=high

  * New upstream stable update:
    https://example.org/ChangeLog-6.1.2
    - foo: bound what is read from the wire
      (CVE-2026-12345)
    - [arm64,x86] bar: stop the timer before the
      queue goes (CVE-2026-1111, CVE-2026-2222)
    https://example.org/ChangeLog-6.1.3
    - hwrng: foo
      - Fix the order

  [ B. Builder ]
  * Enable FOO
  * baz: use foo[3]

 -- A. Packager <a@example.org>  Sat, 14 Nov 2026 11:29:58 +0100

linux (6.1.1-1) stable; urgency=medium

  * First.

 -- A. Packager <a@example.org>  Fri, 02 Jan 2026 00:00:00 +0000
# older entries were removed
`;

const rpm = `* Mon Nov 16 2026 A. Packager <a@example.org> - 5.14.0-2
- foo: bound what is read (C. Coder) [RHEL-1234] {CVE-2026-12345}
- bar: stop the timer before
  the queue goes [2143943 2143944]

* Fri Oct  2 2026 A. Packager <a@example.org> [5.14.0-1]
- First
`;

const subjects = (from?: string, to?: string): string[] =>
  changelogStep(parseChangelog(debian), from, to).map(({ subject }) => subject);
const wrap = (body: string): string => `linux (1-1) x\n\n${body}\n\n -- A <a@b>  Mon, 16 Nov 2026 11:17:40 +0100\n`;

const codeOf = (text: string): string => {
  try {
    parseChangelog(text);
  } catch (error) {
    return error instanceof ChangelogError ? error.code : String(error);
  }
  return 'none';
};

describe("Debian's changelogs", () => {
  const changelog = parseChangelog(debian);

  test('entries, newest first, with version, author and date', () => {
    expect(changelog.style).toBe('debian');
    expect(changelog.entries.map(({ version }) => version)).toEqual(['6.1.3-2', '6.1.3-1', '6.1.1-1']);
    expect(changelog.entries[0]).toEqual({
      version: '6.1.3-2',
      at: '2026-11-16T10:17:40.000Z',
      author: { name: 'A. Packager', email: 'a@example.org' },
      items: [{ subject: 'foo: fix the last one', cves: [] }],
    });
    expect(changelogSchema.parse(changelog)).toEqual(changelog);
  });

  test('wrapped lines, CVE ids, architectures, addresses and sections', () => {
    expect(changelog.entries[1]?.items).toEqual([
      {
        subject: 'foo: bound what is read from the wire',
        cves: ['CVE-2026-12345'],
        section: 'New upstream stable update',
      },
      {
        subject: 'bar: stop the timer before the queue goes',
        cves: ['CVE-2026-1111', 'CVE-2026-2222'],
        section: 'New upstream stable update',
      },
      { subject: 'hwrng: foo - Fix the order', cves: [], section: 'New upstream stable update' },
      { subject: 'Enable FOO', cves: [], section: 'B. Builder' },
      { subject: 'baz: use foo[3]', cves: [], section: 'B. Builder' },
    ]);
  });

  test('a step is what lies between two versions, the oldest first', () => {
    expect(subjects('6.1.1-1', '6.1.3-2').at(0)).toBe('foo: bound what is read from the wire');
    expect(subjects('6.1.1-1', '6.1.3-2').at(-1)).toBe('foo: fix the last one');
    expect(subjects('6.1.3-1', '6.1.3-2')).toEqual(['foo: fix the last one']);
    expect(subjects('6.1.3-2', '6.1.3-2')).toEqual([]);
    // Bounds that aren't in it: by the order of versions; without a revision, all revisions.
    expect(subjects('6.1.2-1', '6.1.3-1')).toHaveLength(5);
    expect(subjects('6.1.1', '6.1.3')).toHaveLength(6);
    expect(subjects()).toHaveLength(7);
  });
});

test("RPM's changelogs", () => {
  const changelog = parseChangelog(rpm);
  expect(changelog.style).toBe('rpm');
  expect(changelog.entries).toEqual([
    {
      version: '5.14.0-2',
      at: '2026-11-16T12:00:00.000Z',
      author: { name: 'A. Packager', email: 'a@example.org' },
      items: [
        { subject: 'foo: bound what is read', cves: ['CVE-2026-12345'] },
        { subject: 'bar: stop the timer before the queue goes', cves: [] },
      ],
    },
    {
      version: '5.14.0-1',
      at: '2026-10-02T12:00:00.000Z',
      author: { name: 'A. Packager', email: 'a@example.org' },
      items: [{ subject: 'First', cves: [] }],
    },
  ]);
});

describe('a changelog that is refused', () => {
  test.each([
    ['unknown-style', 'hello\n'],
    ['unknown-style', ''],
    ['malformed', 'linux (6.1) stable\n\n  * no end\n'],
    [
      'malformed',
      'linux (6.1) stable\n\n  * a\n\nlinux (6.0) stable\n\n  * b\n\n -- A <a@b>  Mon, 16 Nov 2026 11:17:40 +0100\n',
    ],
    ['malformed', 'linux (6.1) stable\n\n  * a\n\n -- A <a@b>  Someday\n'],
    ['malformed', 'linux (6.1) stable\n\n  * a\n\n -- A  Mon, 16 Nov 2026 11:17:40 +0100\n'],
    ['malformed', 'linux () stable\n'],
    ['malformed', '* Mon Foo 99 2026 A <a@b> - 1\n- x\n'],
    ['malformed', '* whatever\n- x\n'],
    ['too-large', 'x'.repeat(33 * 2 ** 20)],
  ])('%s', (code, text) => {
    expect(codeOf(text)).toBe(code);
  });

  test('ten megabytes of nothing but brackets, or of one bullet, end soon', () => {
    const started = Date.now();
    expect(codeOf(wrap(`  * ${'[(CVE-{'.repeat(1_500_000)}`))).toBe('none');
    expect(codeOf(wrap(`  * a\n${`    ${'b '.repeat(40)}\n`.repeat(120_000)}`))).toBe('none');
    expect(codeOf(wrap('  * a\n'.repeat(60_000)))).toBe('too-large');
    expect(Date.now() - started).toBeLessThan(5000);
  });

  test('whatever is changed in a good one, it is read or refused by a code, and what is read fits the schema', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(debian, rpm),
        fc.nat(),
        fc.nat(40),
        fc.string({ maxLength: 20 }),
        (text, at, drop, put) => {
          const place = at % text.length;
          const mutated = text.slice(0, place) + put + text.slice(place + drop);
          try {
            const changelog = parseChangelog(mutated);
            expect(changelogSchema.safeParse(changelog).success).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(ChangelogError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
