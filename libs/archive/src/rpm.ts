import { ByteReader } from './byte-reader.js';
import { readCpio } from './cpio.js';
import type { ArchiveEntry } from './entry.js';
import { ArchiveError } from './errors.js';
import { type ArchiveLimits, kernelLimits } from './limits.js';
import { type RpmHeader, rpmTags, readRpmHeader } from './rpm-header.js';
import { fileBytes } from './tar.js';

/** An RPM source package, opened. */
export interface SourceRpm {
  readonly name: string;
  /** `[epoch:]version-release`. */
  readonly version: string;
  /** The changelog as a spec file has it: `* Mon Nov 16 2026 Name <mail> - version` and lines below; '' where there's none. */
  readonly changelog: string;
  /** The files of the payload (spec, tarballs, patches); can be read once. */
  readonly entries: AsyncIterable<ArchiveEntry>;
}

const leadBytes = 96;
const leadMagic = 0xedabeedb;
const sourceType = 1;

/**
 * Opens an SRPM: lead, signature header, header, payload (rpm's docs/manual/format_v4.md). Signatures aren't checked here: who
 * hands in a drop answers for it.
 * @throws ArchiveError; for what is in `entries`, while iterating.
 */
export async function readSourceRpm(file: string, limits: ArchiveLimits = kernelLimits): Promise<SourceRpm> {
  const reader = new ByteReader(fileBytes(file));
  try {
    const lead = await reader.take(leadBytes);
    if (lead.readUInt32BE(0) !== leadMagic) throw new ArchiveError('not-an-archive', 'no RPM');
    if (lead.readUInt16BE(6) !== sourceType)
      throw new ArchiveError('unsupported-format', 'a binary RPM, no source RPM');
    await readRpmHeader(reader);
    await reader.skip((8 - (reader.position % 8)) % 8);
    const header = await readRpmHeader(reader);
    const format = header.text(rpmTags.payloadFormat) ?? 'cpio';
    if (format !== 'cpio') throw new ArchiveError('unsupported-format', `an RPM with a payload of ${format}`);
    return {
      name: header.text(rpmTags.name) ?? '',
      version: versionOf(header),
      changelog: changelogOf(header),
      entries: readCpio(reader.remainder(), limits),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function versionOf(header: RpmHeader): string {
  const epoch = header.numbers(rpmTags.epoch)[0];
  const version = `${header.text(rpmTags.version) ?? ''}-${header.text(rpmTags.release) ?? ''}`;
  return epoch === undefined ? version : `${epoch}:${version}`;
}

function changelogOf(header: RpmHeader): string {
  const names = header.texts(rpmTags.changelogName);
  const texts = header.texts(rpmTags.changelogText);
  const entries = header.numbers(rpmTags.changelogTime).map((seconds, at) => {
    // `Mon, 16 Nov 2026 …` becomes `Mon Nov 16 2026`.
    const [day = '', date = '', month = '', year = ''] = new Date(seconds * 1000).toUTCString().split(/[ ,]+/);
    return `* ${day} ${month} ${date} ${year} ${names[at] ?? ''}\n${texts[at] ?? ''}\n`;
  });
  return entries.join('\n');
}
