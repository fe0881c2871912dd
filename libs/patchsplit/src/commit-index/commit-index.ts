import { createHash } from 'node:crypto';

/**
 * What choosing among many commits needs of each: its id, the hashes of its subject, the paths that it touches, and the hashes of
 * the telling lines that it adds and removes there. Four bytes a line: 40,000 commits of a project are some 30 MB.
 */
export interface CommitIndex {
  /** Ids of all commits looked at, as hex. Those that could not be read or change nothing are here too, with nothing else. */
  readonly ids: readonly string[];
  /** Two pairs of 32 bits for each commit: the hash of its subject, and of its subject without the part before the colon. */
  readonly subjects: Uint32Array;
  readonly paths: readonly string[];
  /** Of commit c the touches `[touchesFrom[c], touchesFrom[c + 1])`. */
  readonly touchesFrom: Uint32Array;
  /** Index of a touch's path, times 2, plus 1 where there is a change without lines: of a mode, a binary. */
  readonly touches: Uint32Array;
  /** Of touch t the lines `[linesFrom[t], linesFrom[t + 1])`. */
  readonly linesFrom: Uint32Array;
  readonly lines: Uint32Array;
}

/** Raised whenever what is hashed, or how, changes: an index of another version is made anew. */
const version = 1;
const magic = 0x49434353;
const headWords = 9;
const digestBytes = 32;

/** The index as bytes that `decodeIndex` reads, with a digest at their end. */
export function encodeIndex(index: CommitIndex): Buffer {
  const ids = Buffer.from(index.ids.join('\n'), 'latin1');
  const paths = Buffer.from(index.paths.join('\0'), 'latin1');
  const arrays = [index.subjects, index.touchesFrom, index.touches, index.linesFrom, index.lines];
  const head = new Uint32Array([magic, version, ...arrays.map(({ length }) => length), ids.length, paths.length]);
  const parts = [head, ...arrays].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  const body = Buffer.concat([...parts, ids, paths]);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

/** Undefined for what is damaged, cut off, or of another version: nothing is lost by making it anew. */
export function decodeIndex(bytes: Buffer): CommitIndex | undefined {
  const bodyBytes = bytes.length - digestBytes;
  if (bodyBytes < headWords * 4) return undefined;
  const body = bytes.subarray(0, bodyBytes);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(bodyBytes))) return undefined;
  let at = 0;
  const numbers = (count: number): Uint32Array => {
    const taken = Uint8Array.from(body.subarray(at, at + count * 4));
    at += count * 4;
    return new Uint32Array(taken.buffer);
  };
  const [first, second, ...lengths] = numbers(headWords);
  if (first !== magic || second !== version) return undefined;
  const [idBytes = 0, pathBytes = 0] = lengths.slice(5);
  const needed = lengths.slice(0, 5).reduce((sum, length) => sum + length * 4, at) + idBytes + pathBytes;
  if (needed !== body.length) return undefined;
  const [subjects, touchesFrom, touches, linesFrom, lines] = lengths.slice(0, 5).map(numbers);
  if (!subjects || !touchesFrom || !touches || !linesFrom || !lines) return undefined;
  const text = (length: number): string => body.toString('latin1', at, (at += length));
  const ids = text(idBytes)
    .split('\n')
    .filter((id) => id !== '');
  const paths = pathBytes === 0 ? [] : text(pathBytes).split('\0');
  return { ids, subjects, paths, touchesFrom, touches, linesFrom, lines };
}
