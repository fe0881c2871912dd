import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { type ArchiveEntry, ArchiveError, type ArchiveErrorCode } from '#libs/archive';

/** Archives made by hand, well-formed and hostile: the writers know nothing of the readers. */

export type TarItem = Partial<Header> & { readonly name: string; readonly content?: Buffer | string };

/** A tar as tar-stream writes it, with whatever names and types it is given. */
export async function tarOf(items: readonly TarItem[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of items) {
    const body = Buffer.from(content ?? '');
    tar.entry({ mode: 0o644, mtime: new Date(0), ...header, size: header.size ?? body.length }, body);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function packed(program: 'xz' | 'zstd' | 'bzip2' | 'gzip', bytes: Buffer): Buffer {
  if (program === 'gzip') return gzipSync(bytes);
  const { stdout, status } = spawnSync(program, ['-c', '-q'], { input: bytes, maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`${program} failed`);
  return stdout;
}

/** An ar archive (ar(5)). */
export function arOf(members: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const [name, body] of members) {
    const numbers = `${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(body.length).padEnd(10)}`;
    parts.push(Buffer.from(`${name.padEnd(16)}${numbers}\`\n`), body);
    if (body.length % 2 === 1) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

export async function debOf(
  data: readonly TarItem[],
  compression: 'xz' | 'zstd' | 'gzip' | 'none' = 'none',
): Promise<Buffer> {
  const control = await tarOf([
    { name: './control', content: 'Package: linux-source-6.1\nVersion: 6.1.190-1\nDescription: a\n b\n' },
  ]);
  const tar = await tarOf(data);
  const suffix = { xz: '.xz', zstd: '.zst', gzip: '.gz', none: '' }[compression];
  const body = compression === 'none' ? tar : packed(compression, tar);
  return arOf([
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.gz', packed('gzip', control)],
    [`data.tar${suffix}`, body],
  ]);
}

export interface CpioItem {
  readonly name: string;
  readonly mode?: number;
  readonly content?: Buffer | string;
}

/** A cpio archive in the newc format (cpio(5)). */
export function cpioOf(items: readonly CpioItem[]): Buffer {
  const parts: Buffer[] = [];
  for (const { name, mode = 0o100644, content = '' } of [...items, { name: 'TRAILER!!!', mode: 0 }]) {
    const body = Buffer.from(content);
    const fields = [1, mode, 0, 0, 1, 0, body.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    parts.push(padded(Buffer.from(header)), padded(body));
  }
  return Buffer.concat(parts);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

type RpmTag = readonly [tag: number, value: string | readonly string[] | readonly number[]];

function rpmHeader(tags: readonly RpmTag[]): Buffer {
  const index: Buffer[] = [];
  let store: Buffer = Buffer.alloc(0);
  for (const [tag, value] of tags) {
    const values = typeof value === 'string' ? [value] : value;
    const numeric = typeof values[0] === 'number';
    if (numeric) store = padded(store);
    const entry = Buffer.alloc(16);
    [tag, numeric ? 4 : typeof value === 'string' ? 6 : 8, store.length, values.length].forEach((field, at) =>
      entry.writeUInt32BE(field, 4 * at),
    );
    index.push(entry);
    for (const item of values) {
      const bytes = typeof item === 'number' ? Buffer.alloc(4) : Buffer.from(`${item}\0`);
      if (typeof item === 'number') bytes.writeUInt32BE(item);
      store = Buffer.concat([store, bytes]);
    }
  }
  const intro = Buffer.alloc(16);
  intro.writeUInt32BE(0x8eade801);
  intro.writeUInt32BE(tags.length, 8);
  intro.writeUInt32BE(store.length, 12);
  return Buffer.concat([intro, ...index, store]);
}

/** A source RPM: lead, signature, header, payload. */
export function srpmOf(payload: Buffer, changelog = true): Buffer {
  const lead = Buffer.alloc(96);
  lead.writeUInt32BE(0xedabeedb);
  lead[4] = 3;
  lead.writeUInt16BE(1, 6);
  const signature = rpmHeader([[1000, [payload.length]]]);
  const gap = Buffer.alloc((8 - (signature.length % 8)) % 8);
  const tags: RpmTag[] = [
    [1000, 'kernel'],
    [1001, '5.14.0'],
    [1002, '427.el9'],
    [1124, 'cpio'],
  ];
  if (changelog) {
    tags.push(
      [1080, [1_763_294_400]],
      [1081, ['A Maintainer <a@example.org> [5.14.0-427.el9]']],
      [1082, ['- net: fix a thing {CVE-2026-1234}']],
    );
  }
  return Buffer.concat([lead, signature, gap, rpmHeader(tags), payload]);
}

/** A folder of the test's own, gone afterwards. */
export async function withFile<T>(bytes: Buffer, work: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'archive-'));
  try {
    const file = join(folder, 'archive');
    writeFileSync(file, bytes);
    return await work(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everything that an archive holds, as `path kind mode target|content`. */
export async function contentsOf(entries: AsyncIterable<ArchiveEntry>): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of entries) {
    const body = entry.kind === 'file' ? (await entry.bytes(2 ** 30)).toString('latin1') : (entry.linkTarget ?? '');
    lines.push([entry.path, entry.kind, entry.mode.toString(8), body].join(' ').trimEnd());
  }
  return lines;
}

/** The code that some reading is refused with; `none` if it isn't. Any other error is a defect, and thrown. */
export async function refusalOf(reading: () => Promise<unknown>): Promise<ArchiveErrorCode | 'none'> {
  try {
    await reading();
    return 'none';
  } catch (error) {
    if (error instanceof ArchiveError) return error.code;
    throw error;
  }
}
