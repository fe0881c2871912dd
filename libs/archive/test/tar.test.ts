import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { kernelLimits, readTar } from '#libs/archive';
import { contentsOf, packed, refusalOf, type TarItem, tarOf, withFile } from './made.js';

const tree: TarItem[] = [
  { name: './', type: 'directory', mode: 0o755 },
  { name: './fs/', type: 'directory', mode: 0o755 },
  { name: './fs/pipe.c', content: 'int pipe;\n' },
  { name: './scripts/run.sh', mode: 0o755, content: '#!/bin/sh\n' },
  { name: './fs/link.c', type: 'symlink', linkname: 'pipe.c' },
  { name: './fs/hard.c', type: 'link', linkname: './fs/pipe.c' },
  { name: `./${'long/'.repeat(30)}name.c`, content: 'x' },
];
const expected = [
  'fs directory 755',
  'fs/pipe.c file 644 int pipe;\n',
  'scripts/run.sh file 755 #!/bin/sh\n',
  'fs/link.c symlink 644 pipe.c',
  'fs/hard.c hardlink 644 fs/pipe.c',
  `${'long/'.repeat(30)}name.c file 644 x`,
].map((line) => line.trimEnd());

const read = (bytes: Buffer, limits = kernelLimits): Promise<string[]> =>
  withFile(bytes, (file) => contentsOf(readTar(file, limits)));
const refusal = async (items: readonly TarItem[], limits = kernelLimits): Promise<string> => {
  const bytes = await tarOf(items);
  return refusalOf(() => read(bytes, limits));
};

const file = (name: string): TarItem => ({ name, content: 'x' });
const symlink = (name: string, linkname: string): TarItem => ({ name, type: 'symlink', linkname });

describe('a tar', () => {
  test.each(['none', 'gzip', 'xz', 'zstd', 'bzip2'] as const)('is read whole, compression %s', async (compression) => {
    const tar = await tarOf(tree);
    expect(await read(compression === 'none' ? tar : packed(compression, tar))).toEqual(expected);
  });

  test('may have entries left unread', async () => {
    const tar = await tarOf([
      { name: 'big', content: Buffer.alloc(3_000_000, 1) },
      { name: 'after', content: 'x' },
    ]);
    const paths = await withFile(tar, async (file) => {
      const seen: string[] = [];
      for await (const entry of readTar(file)) seen.push(entry.path);
      return seen;
    });
    expect(paths).toEqual(['big', 'after']);
  });

  test('keeps names that are no UTF-8', async () => {
    const tar = await tarOf([{ name: 'xxxx', content: '1' }]);
    const at = tar.indexOf('xxxx');
    tar[at] = 0xff;
    tar.write(checksum(tar), 148, 'latin1');
    expect(await read(tar)).toEqual(['\u00ffxxx file 644 1']);
  });
});

describe('a hostile tar is refused:', () => {
  const cases: [string, string, TarItem[]][] = [
    ['path that climbs', 'unsafe-path', [file('a/../../etc/passwd')]],
    ['absolute path', 'unsafe-path', [file('/etc/passwd')]],
    ['path into .git', 'unsafe-path', [file('.git/config')]],
    ['path into .GIT', 'unsafe-path', [file('sub/.GIT/config')]],
    ['path of 5,000 characters', 'unsafe-path', [file('a/'.repeat(2500))]],
    ['path through a symlink', 'unsafe-path', [symlink('a', 'b'), file('a/x')]],
    ['path through a file', 'unsafe-path', [file('a'), file('a/x')]],
    ['symlink in place of a folder', 'duplicate-entry', [file('a/x'), symlink('a', 'b')]],
    ['symlink out of the tree', 'unsafe-link', [symlink('a/b', '../../x')]],
    ['absolute symlink', 'unsafe-link', [symlink('a', '/etc')]],
    ['symlink without a target', 'unsafe-link', [symlink('a', '')]],
    ['symlinks that climb together', 'unsafe-link', [symlink('d/up', '..'), symlink('out', 'd/up/..')]],
    ['hard link to outside', 'unsafe-link', [{ name: 'a', type: 'link', linkname: '../x' }]],
    ['hard link to nothing', 'unsafe-link', [{ name: 'a', type: 'link', linkname: 'b' }]],
    ['hard link to a symlink', 'unsafe-link', [symlink('b', 'c'), { name: 'a', type: 'link', linkname: 'b' }]],
    ['same path twice', 'duplicate-entry', [file('a'), file('./a')]],
    ['character device', 'special-file', [{ name: 'a', type: 'character-device' }]],
    ['block device', 'special-file', [{ name: 'a', type: 'block-device' }]],
    ['FIFO', 'special-file', [{ name: 'a', type: 'fifo' }]],
  ];
  test.each(cases)('%s: %s', async (_what, code, items) => {
    expect(await refusal(items)).toBe(code);
  });

  test('harmless links of the same shapes are not', async () => {
    const items = [symlink('d/up', '..'), symlink('in', 'd/up/x'), symlink('loop', 'loop'), file('x')];
    expect(await refusal(items)).toBe('none');
  });

  test('too many entries', async () => {
    expect(await refusal([file('a'), file('b'), file('c')], { ...kernelLimits, entries: 2 })).toBe('too-many-entries');
  });

  test('too large a file', async () => {
    const limits = { ...kernelLimits, fileBytes: 10 };
    expect(await refusal([{ name: 'a', content: '12345678901' }], limits)).toBe('too-large');
  });

  test('too large in all', async () => {
    const limits = { ...kernelLimits, totalBytes: 4096 };
    expect(await refusal([{ name: 'a', content: Buffer.alloc(8192) }], limits)).toBe('too-large');
  });

  test.each(['gzip', 'xz', 'zstd', 'bzip2'] as const)('a bomb in %s', async (compression) => {
    const bomb = packed(compression, await tarOf([{ name: 'zeros', content: Buffer.alloc(70_000_000) }]));
    expect(await refusalOf(() => read(bomb))).toBe('bomb');
  });
});

describe('a broken tar is refused:', () => {
  test('garbage and nothing at all', async () => {
    expect(await refusalOf(() => read(Buffer.from('no tar at all '.repeat(100))))).toBe('malformed');
    expect(await refusalOf(() => read(Buffer.alloc(0)))).toBe('not-an-archive');
  });

  test.each(['gzip', 'xz', 'zstd', 'bzip2'] as const)('cut short in %s', async (compression) => {
    const whole = packed(compression, await tarOf(tree));
    for (const keep of [0.2, 0.5, 0.9]) {
      const cut = whole.subarray(0, Math.floor(whole.length * keep));
      expect(['truncated', 'malformed']).toContain(await refusalOf(() => read(cut)));
    }
  });

  test('cut short anywhere, plain: even between two entries', async () => {
    const whole = await tarOf(tree);
    const end = whole.length - 1024;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: end }), async (keep) => {
        const code = await refusalOf(() => read(whole.subarray(0, keep)));
        expect(['truncated', 'malformed', 'not-an-archive']).toContain(code);
      }),
      { numRuns: 100 },
    );
  });

  test('whatever bytes are changed, the answer is entries or a refusal', async () => {
    const tar = await tarOf(tree);
    const wholes = [tar, packed('xz', tar), packed('gzip', tar)];
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 }), fc.array(change, { minLength: 1, maxLength: 5 }), async (which, changes) => {
        const bytes = Buffer.from(wholes[which] ?? tar);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        expect(typeof (await refusalOf(() => read(bytes)))).toBe('string');
      }),
      { numRuns: 150 },
    );
  });
});

test('a reader that stops early leaves no decompressor behind', async () => {
  const tar = packed(
    'xz',
    await tarOf([
      { name: 'a', content: Buffer.alloc(20_000_000, 7) },
      { name: 'b', content: 'x' },
    ]),
  );
  const before = new Set(children());
  const left = (): readonly string[] => children().filter((pid) => !before.has(pid));
  await withFile(tar, async (file) => {
    for await (const entry of readTar(file)) {
      expect(entry.path).toBe('a');
      expect(left()).not.toEqual([]);
      break;
    }
  });
  // It is told to end at once; on a busy machine it takes its time.
  for (let waitedMs = 0; left().length > 0 && waitedMs < 10_000; waitedMs += 50) await pause(50);
  expect(left()).toEqual([]);
});

/** The ids of this process's children. */
function children(): readonly string[] {
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
}

/** A ustar header's checksum field: the sum of its bytes, the field itself counted as blanks. */
function checksum(header: Buffer): string {
  let sum = 0;
  for (let at = 0; at < 512; at += 1) sum += at >= 148 && at < 156 ? 32 : (header[at] ?? 0);
  return `${sum.toString(8).padStart(6, '0')}\0 `;
}
