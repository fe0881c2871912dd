import { closeSync, constants, openSync, readSync } from 'node:fs';

const maxRecordBytes = 8192;
/** The ring buffer of a stock kernel holds a few thousand records. */
const maxRecords = 20_000;

interface LogRecord {
  readonly sequence: number;
  readonly text: string;
}

/**
 * What the kernel logged after `sequence` (Documentation/ABI/testing/dev-kmsg): it says in its log, and nowhere else, which
 * symbol or flag it refused a module for. Where the log can't be read there is none.
 */
export function kernelLogSince(path: string, sequence: number): string[] {
  return readRecords(path)
    .filter((record) => record.sequence > sequence)
    .map((record) => record.text);
}

/** Sequence number of the newest record; -1 where there is none. */
export function lastLogSequence(path: string): number {
  return readRecords(path).at(-1)?.sequence ?? -1;
}

function readRecords(path: string): LogRecord[] {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return [];
  }
  const records: LogRecord[] = [];
  const buffer = Buffer.alloc(maxRecordBytes);
  try {
    for (let count = 0; count < maxRecords; count++) {
      const record = parseRecord(readRecord(file, buffer));
      if (record === 'end') break;
      if (record !== 'skip') records.push(record);
    }
  } finally {
    closeSync(file);
  }
  return records;
}

/** One read gives one record; at the end of the log it would block. EPIPE: a record was overwritten before it was read. */
function readRecord(file: number, buffer: Buffer): string | undefined {
  try {
    const length = readSync(file, buffer, 0, buffer.length, null);
    return length === 0 ? undefined : buffer.toString('utf8', 0, length);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPIPE' ? '' : undefined;
  }
}

/** `prefix,sequence,timestamp,flags[,…];text\n SUBSYSTEM=…\n`. */
function parseRecord(raw: string | undefined): LogRecord | 'skip' | 'end' {
  if (raw === undefined) return 'end';
  const [, sequence, text] = /^\d+,(\d+),[^;]*;([^\n]*)/.exec(raw) ?? [];
  if (sequence === undefined || text === undefined) return 'skip';
  return { sequence: Number(sequence), text };
}
