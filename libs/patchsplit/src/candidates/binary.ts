import { inflateSync } from 'node:zlib';
import { type BinaryChange, CandidateError } from './candidate.js';

const maxBinaryBytes = 64 * 2 ** 20;
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';
const valueOf = new Map(Array.from(alphabet, (char, value) => [char, value]));

/** Reads the forward part of a `GIT binary patch` (gitformat-patch: git's base85 over zlib), and skips the one back. */
export function binaryChange(lines: readonly string[], start: number): { change: BinaryChange; next: number } {
  const [, method, size] = /^(literal|delta) (\d{1,10})\r?\n?$/.exec(lines[start] ?? '') ?? [];
  if (method === undefined || Number(size) > maxBinaryBytes) {
    throw new CandidateError(
      'malformed',
      `a binary that is neither literal nor delta, or over ${maxBinaryBytes} bytes`,
    );
  }
  const packed: Buffer[] = [];
  let at = start + 1;
  for (; isData(lines[at]); at++) packed.push(decodedLine((lines[at] ?? '').trimEnd()));
  const change = { method: method as BinaryChange['method'], data: inflated(Buffer.concat(packed), Number(size)) };
  if (isBlank(lines[at])) at += 1;
  if (/^(?:literal|delta) \d/.test(lines[at] ?? '')) {
    at += 1;
    while (isData(lines[at])) at += 1;
  }
  return { change, next: at };
}

const isBlank = (line: string | undefined): boolean => line !== undefined && line.trim() === '';
const isData = (line: string | undefined): boolean => line !== undefined && /^[A-Za-z]\S{5,70}\r?\n?$/.test(line);

/** A letter for the length (A–Z: 1–26, a–z: 27–52), then five characters for each four bytes. */
function decodedLine(line: string): Buffer {
  const code = line.charCodeAt(0);
  const length = code >= 97 ? code - 97 + 27 : code - 65 + 1;
  const bytes = Buffer.alloc(Math.ceil((line.length - 1) / 5) * 4);
  for (let at = 1, to = 0; at < line.length; at += 5, to += 4) {
    let word = 0;
    for (const char of line.slice(at, at + 5)) {
      const value = valueOf.get(char);
      if (value === undefined) throw new CandidateError('malformed', 'a binary with a character that is not base85');
      word = word * 85 + value;
    }
    if (word > 0xffffffff) throw new CandidateError('malformed', 'a binary with a word that is too large');
    bytes.writeUInt32BE(word, to);
  }
  return bytes.subarray(0, length);
}

function inflated(packed: Buffer, size: number): Buffer {
  try {
    const data = inflateSync(packed, { maxOutputLength: size + 1 });
    if (data.length === size) return data;
  } catch {
    // said below
  }
  throw new CandidateError('malformed', "a binary that doesn't unpack to its size");
}

/** The content after a binary change; undefined where it doesn't fit what is there. */
export function patchedBinary(before: Buffer, { method, data }: BinaryChange): Buffer | undefined {
  return method === 'literal' ? data : patchedByDelta(before, data);
}

/** Applies a delta as packs have it (gitformat-pack, "Deltified representation"). */
function patchedByDelta(before: Buffer, delta: Buffer): Buffer | undefined {
  let at = 0;
  const size = (): number => {
    let value = 0;
    for (let shift = 0; at < delta.length; shift += 7) {
      const byte = delta[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80 || shift > 42) break;
    }
    return value;
  };
  if (size() !== before.length) return undefined;
  const length = size();
  if (length > maxBinaryBytes) return undefined;
  const pieces: Buffer[] = [];
  let made = 0;
  while (at < delta.length && made <= length) {
    const code = delta[at++] ?? 0;
    let piece: Buffer;
    if (code & 0x80) {
      let offset = 0;
      let count = 0;
      for (let bit = 0; bit < 4; bit++) if (code & (1 << bit)) offset += (delta[at++] ?? 0) * 2 ** (8 * bit);
      for (let bit = 0; bit < 3; bit++) if (code & (0x10 << bit)) count += (delta[at++] ?? 0) * 2 ** (8 * bit);
      piece = before.subarray(offset, offset + (count === 0 ? 0x10000 : count));
    } else {
      if (code === 0) return undefined;
      piece = delta.subarray(at, (at += code));
    }
    if (piece.length === 0) return undefined;
    pieces.push(piece);
    made += piece.length;
  }
  return made === length ? Buffer.concat(pieces) : undefined;
}
