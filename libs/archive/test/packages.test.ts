import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type DropSummary, openSourceDrop, readDeb, readSourceRpm } from '#libs/archive';
import { arOf, contentsOf, cpioOf, debOf, packed, refusalOf, srpmOf, tarOf, withFile } from './made.js';

const source = [
  { name: 'linux-6.1.190/', type: 'directory' as const, mode: 0o755 },
  { name: 'linux-6.1.190/Makefile', content: 'VERSION = 6\n' },
  { name: 'linux-6.1.190/fs/a.c', content: 'int a;\n' },
  { name: 'linux-6.1.190/fs/b.c', type: 'symlink' as const, linkname: '../Makefile' },
];
const unpacked = ['Makefile file 644 VERSION = 6\n', 'fs/a.c file 644 int a;\n', 'fs/b.c symlink 644 ../Makefile'].map(
  (line) => line.trimEnd(),
);
const changelogText = 'linux (6.1.190-1) bookworm; urgency=high\n';
const changelogFile = {
  name: './usr/share/doc/linux-source-6.1/changelog.Debian.gz',
  content: packed('gzip', Buffer.from(changelogText)),
};

async function linuxSourceDeb(): Promise<Buffer> {
  const inner = packed('xz', await tarOf(source));
  return debOf([{ name: './usr/src/linux-source-6.1.tar.xz', content: inner }, changelogFile], 'xz');
}

async function linuxSrpm(): Promise<Buffer> {
  const inner = packed('xz', await tarOf(source));
  const items = [
    { name: 'kernel.spec', content: 'Name: kernel\n' },
    { name: 'linux-6.1.190.tar.xz', content: inner },
    { name: 'fix.patch', content: '--- a\n' },
  ];
  return srpmOf(packed('zstd', cpioOf(items)));
}

const readDrop = (bytes: Buffer): Promise<{ lines: string[]; format: string; summary: DropSummary }> =>
  withFile(bytes, async (file) => {
    const drop = await openSourceDrop(file);
    const lines = await contentsOf(drop.entries);
    return { lines, format: drop.format, summary: drop.summary() };
  });

const payloadLines = (payload: Buffer): Promise<string[]> =>
  withFile(srpmOf(payload), async (file) => contentsOf((await readSourceRpm(file)).entries));

describe('a .deb', () => {
  test.each(['none', 'gzip', 'xz', 'zstd'] as const)('is read, data.tar in %s', async (compression) => {
    const items = [
      { name: './boot/vmlinuz', content: 'kernel' },
      { name: './lib/build', type: 'symlink' as const, linkname: '/usr/src/x' },
    ];
    const { control, lines } = await withFile(await debOf(items, compression), async (file) => {
      const deb = await readDeb(file);
      return { control: deb.control, lines: await contentsOf(deb.entries) };
    });
    expect(control).toEqual({ Package: 'linux-source-6.1', Version: '6.1.190-1', Description: 'a\nb' });
    expect(lines).toEqual(['boot/vmlinuz file 644 kernel', 'lib/build symlink 644 /usr/src/x']);
  });

  const broken: [string, string, Buffer][] = [
    ['an ar archive of something else', 'not-an-archive', arOf([['x.o', Buffer.from('x')]])],
    ['no ar archive', 'not-an-archive', Buffer.from('hello, world\n')],
    ['no control.tar', 'truncated', arOf([['debian-binary', Buffer.from('2.0\n')]])],
    ['a header that is none', 'malformed', Buffer.concat([Buffer.from('!<arch>\n'), Buffer.alloc(60, 0x41)])],
    [
      'two control.tar',
      'duplicate-entry',
      arOf([
        ['debian-binary', Buffer.from('2.0\n')],
        ['control.tar.gz', Buffer.from('')],
        ['control.tar.xz', Buffer.from('')],
      ]),
    ],
  ];
  test.each(broken)('is refused: %s: %s', async (_what, code, bytes) => {
    expect(await refusalOf(() => withFile(bytes, (file) => readDeb(file)))).toBe(code);
  });
});

describe('a source drop', () => {
  test('is found in a linux-source .deb, with its changelog', async () => {
    expect(await readDrop(await linuxSourceDeb())).toEqual({
      lines: unpacked,
      format: 'linux-source-deb',
      summary: { version: '6.1.190-1', changelog: { style: 'debian', text: changelogText }, notices: [] },
    });
  });

  test('is found in an SRPM, with its changelog and a word on patches', async () => {
    const { lines, format, summary } = await readDrop(await linuxSrpm());
    expect(lines).toEqual(unpacked);
    expect(format).toBe('srpm');
    expect(summary.version).toBe('5.14.0-427.el9');
    expect(summary.changelog).toEqual({
      style: 'rpm',
      text: '* Sun Nov 16 2025 A Maintainer <a@example.org> [5.14.0-427.el9]\n- net: fix a thing {CVE-2026-1234}\n',
    });
    expect(summary.notices).toEqual([expect.stringContaining('fix.patch')]);
  });

  test('is a tar, its one folder taken off', async () => {
    const { lines, format, summary } = await readDrop(packed('gzip', await tarOf(source)));
    expect([lines, format, summary]).toEqual([unpacked, 'tar', { version: '6.1.190', notices: [] }]);
  });

  test('is a folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'archive-'));
    try {
      mkdirSync(join(folder, 'fs'));
      mkdirSync(join(folder, '.git'));
      writeFileSync(join(folder, '.git', 'config'), 'x');
      writeFileSync(join(folder, 'fs', 'a.c'), 'int a;\n', { mode: 0o644 });
      symlinkSync('a.c', join(folder, 'fs', 'b.c'));
      const drop = await openSourceDrop(folder);
      const files = (await contentsOf(drop.entries)).filter((line) => !line.includes('directory'));
      expect(files).toEqual(['fs/a.c file 644 int a;', 'fs/b.c symlink 777 a.c']);
      expect(drop.format).toBe('folder');
      symlinkSync('../outside', join(folder, 'out'));
      expect(await refusalOf(async () => contentsOf((await openSourceDrop(folder)).entries))).toBe('unsafe-link');
      rmSync(join(folder, 'out'));
      spawnSync('mkfifo', [join(folder, 'fifo')]);
      expect(await refusalOf(async () => contentsOf((await openSourceDrop(folder)).entries))).toBe('special-file');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('is refused without a tarball, with two, with one that leads out of its folder, and when it is not there', async () => {
    const inner = packed('xz', await tarOf(source));
    const out = packed('xz', await tarOf([...source, { name: 'linux-6.1.190/x', type: 'symlink', linkname: '../y' }]));
    const beside = await tarOf([...source, { name: 'elsewhere/x', content: 'x' }]);
    const none = await debOf([changelogFile]);
    const two = await debOf(['a', 'b'].map((name) => ({ name: `usr/src/${name}.tar.xz`, content: inner })));
    const leading = await debOf([{ name: 'usr/src/linux-source-6.1.tar.xz', content: out }]);
    expect(await refusalOf(() => readDrop(none))).toBe('not-found');
    expect(await refusalOf(() => readDrop(two))).toBe('duplicate-entry');
    expect(await refusalOf(() => readDrop(leading))).toBe('unsafe-link');
    expect(await refusalOf(() => readDrop(beside))).toBe('malformed');
    expect(await refusalOf(() => openSourceDrop('/nonexistent/archive'))).toBe('read-failed');
  });

  test('is refused when it is cut short, wherever', async () => {
    const wholes = [await linuxSourceDeb(), await linuxSrpm()];
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 1 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), async (which, keep) => {
        const whole = wholes[which] ?? Buffer.alloc(0);
        const code = await refusalOf(() => readDrop(whole.subarray(0, Math.floor(whole.length * keep))));
        expect(['truncated', 'malformed', 'not-found', 'not-an-archive']).toContain(code);
      }),
      { numRuns: 60 },
    );
  });

  test('gives entries or a refusal, whatever bytes are changed', async () => {
    const wholes = [await linuxSourceDeb(), await linuxSrpm(), srpmOf(cpioOf([{ name: 'a', content: 'x' }]))];
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 }), fc.array(change, { minLength: 1, maxLength: 4 }), async (which, changes) => {
        const bytes = Buffer.from(wholes[which] ?? Buffer.alloc(0));
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        expect(typeof (await refusalOf(() => readDrop(bytes)))).toBe('string');
      }),
      { numRuns: 120 },
    );
  });
});

describe('an SRPM', () => {
  test('may have a plain payload', async () => {
    expect(await payloadLines(cpioOf([{ name: './a', content: 'abc' }]))).toEqual(['a file 644 abc']);
  });

  test('is refused with a path that climbs, a device, a binary package, or a payload that is none', async () => {
    expect(await refusalOf(() => payloadLines(cpioOf([{ name: '../a' }])))).toBe('unsafe-path');
    expect(await refusalOf(() => payloadLines(cpioOf([{ name: 'a', mode: 0o020644 }])))).toBe('special-file');
    expect(await refusalOf(() => payloadLines(Buffer.alloc(500, 0x41)))).toBe('malformed');
    const binary = srpmOf(cpioOf([]));
    binary.writeUInt16BE(0, 6);
    expect(await refusalOf(() => withFile(binary, (file) => readSourceRpm(file)))).toBe('unsupported-format');
  });

  test('is refused when its header claims gigabytes', async () => {
    const bytes = srpmOf(cpioOf([]));
    bytes.writeUInt32BE(0xffffffff, 96 + 12);
    expect(await refusalOf(() => withFile(bytes, (file) => readSourceRpm(file)))).toBe('too-large');
  });
});
