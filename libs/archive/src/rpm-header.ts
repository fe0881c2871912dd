import type { ByteReader } from './byte-reader.js';
import { ArchiveError } from './errors.js';

/** rpmtag.h */
export const rpmTags = {
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  changelogTime: 1080,
  changelogName: 1081,
  changelogText: 1082,
  payloadFormat: 1124,
} as const;

const magic = 0x8eade801;
const introBytes = 16;
const indexBytes = 16;
const maxTags = 65_536;
const maxStoreBytes = 64 * 2 ** 20;
const maxItems = 65_536;
const types = { int32: 4, string: 6, stringArray: 8, i18nString: 9 } as const;

interface IndexEntry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** A header structure of an RPM: values by tag. Offsets are checked when a value is asked for. */
export class RpmHeader {
  constructor(
    private readonly index: ReadonlyMap<number, IndexEntry>,
    private readonly store: Buffer,
  ) {}

  text(tag: number): string | undefined {
    return this.texts(tag)[0];
  }

  texts(tag: number): string[] {
    const entry = this.entry(tag, [types.string, types.stringArray, types.i18nString]);
    const texts: string[] = [];
    for (let at = entry?.offset ?? 0; texts.length < (entry?.count ?? 0);) {
      const end = this.store.indexOf(0, at);
      if (end < 0) throw new ArchiveError('malformed', `RPM tag ${tag} runs out of its header`);
      texts.push(this.store.toString('utf8', at, end));
      at = end + 1;
    }
    return texts;
  }

  numbers(tag: number): number[] {
    const entry = this.entry(tag, [types.int32]);
    if (!entry) return [];
    const { offset, count } = entry;
    if (offset + 4 * count > this.store.length) {
      throw new ArchiveError('malformed', `RPM tag ${tag} runs out of its header`);
    }
    return Array.from({ length: count }, (_, at) => this.store.readUInt32BE(offset + 4 * at));
  }

  private entry(tag: number, wanted: readonly number[]): IndexEntry | undefined {
    const entry = this.index.get(tag);
    if (!entry) return undefined;
    if (!wanted.includes(entry.type) || entry.count > maxItems || entry.offset >= this.store.length) {
      throw new ArchiveError('malformed', `RPM tag ${tag} is not what it should be`);
    }
    return entry;
  }
}

/** Reads a header structure: 8 bytes of magic, the sizes of index and store, then both. @throws ArchiveError `malformed`, `too-large`, `truncated`. */
export async function readRpmHeader(reader: ByteReader): Promise<RpmHeader> {
  const intro = await reader.take(introBytes);
  if (intro.readUInt32BE(0) !== magic) throw new ArchiveError('malformed', 'no RPM header where one should be');
  const [tags, storeBytes] = [intro.readUInt32BE(8), intro.readUInt32BE(12)];
  if (tags > maxTags || storeBytes > maxStoreBytes) throw new ArchiveError('too-large', 'an RPM header of absurd size');
  const index = await reader.take(tags * indexBytes);
  const entries = new Map<number, IndexEntry>();
  for (let at = 0; at < index.length; at += indexBytes) {
    const [type, offset, count] = [4, 8, 12].map((field) => index.readUInt32BE(at + field));
    entries.set(index.readUInt32BE(at), { type: type ?? 0, offset: offset ?? 0, count: count ?? 0 });
  }
  return new RpmHeader(entries, await reader.take(storeBytes));
}
