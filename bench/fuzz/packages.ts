import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** A file of a package. */
export type Files = Readonly<Record<string, Buffer | string>>;

/** A plain tar with these files, or with links: an entry whose name ends in `@` is one, to what its content says. */
export async function tarOf(files: Files): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) {
    const common = { mode: 0o644, mtime: new Date(0) };
    const link: Partial<Header> & { name: string } = {
      ...common,
      name: name.slice(0, -1),
      type: 'symlink',
      linkname: content.toString(),
    };
    if (name.endsWith('@')) tar.entry(link);
    else tar.entry({ ...common, name, size: Buffer.byteLength(content) }, Buffer.from(content));
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** An ar archive (ar(5)). */
function arOf(members: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const [name, body] of members) {
    const numbers = `${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(body.length).padEnd(10)}`;
    parts.push(Buffer.from(`${name.padEnd(16)}${numbers}\`\n`), body, Buffer.alloc(body.length % 2, '\n'));
  }
  return Buffer.concat(parts);
}

/** A .deb around a data.tar. */
export async function debOf(name: string, version: string, data: Buffer): Promise<Buffer> {
  const control = await tarOf({
    './control': `Package: ${name}\nVersion: ${version}\nDescription: for tests\n more\n`,
  });
  return arOf([
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.gz', gzipSync(control)],
    ['data.tar.gz', gzipSync(data, { level: 1 })],
  ]);
}

function padded(bytes: Buffer, to: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
}

/** A cpio archive in the newc format (cpio(5)). */
export function cpioOf(files: Files): Buffer {
  const parts: Buffer[] = [];
  for (const [name, content] of [...Object.entries(files), ['TRAILER!!!', ''] as const]) {
    const size = Buffer.byteLength(content);
    const fields = [1, 0o100644, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    parts.push(padded(Buffer.from(header), 4), padded(Buffer.from(content), 4));
  }
  return Buffer.concat(parts);
}

function rpmHeader(tags: readonly (readonly [tag: number, text: string])[]): Buffer {
  const index: Buffer[] = [];
  let store = Buffer.alloc(0);
  for (const [tag, text] of tags) {
    const entry = Buffer.alloc(16);
    [tag, 6, store.length, 1].forEach((field, at) => entry.writeUInt32BE(field, 4 * at));
    index.push(entry);
    store = Buffer.concat([store, Buffer.from(`${text}\0`)]);
  }
  const intro = Buffer.alloc(16);
  intro.writeUInt32BE(0x8eade801);
  intro.writeUInt32BE(tags.length, 8);
  intro.writeUInt32BE(store.length, 12);
  return Buffer.concat([intro, ...index, store]);
}

/** A source RPM: lead, signature, header, payload. */
export function srpmOf(payload: Buffer): Buffer {
  const lead = Buffer.alloc(96);
  lead.writeUInt32BE(0xedabeedb);
  lead.writeUInt16BE(1, 6);
  const texts = [
    [1000, 'kernel'],
    [1001, '9.8.7'],
    [1002, '1'],
    [1124, 'cpio'],
  ] as const;
  return Buffer.concat([lead, padded(rpmHeader([[1000, 'x']]), 8), rpmHeader(texts), payload]);
}
