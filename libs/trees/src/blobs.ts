import type { GitId } from '#libs/contracts';
import type { Git } from './git.js';
import { TreeError } from './port.js';

/** Takes `cat-file --batch`'s output apart: a line `<id> <type> <size>`, the object's bytes, a newline; or `<name> missing`. */
export class BatchReader {
  private chunks: Buffer[] = [];
  private buffered = 0;

  constructor(private readonly output: AsyncIterator<Buffer>) {}

  async line(): Promise<string> {
    for (;;) {
      const joined = this.joined();
      const end = joined.indexOf(10);
      if (end >= 0)
        return this.take(end + 1)
          .toString('latin1')
          .slice(0, -1);
      if (!(await this.more())) throw new TreeError('tree-store-failed', 'git cat-file ended early');
    }
  }

  async bytes(count: number): Promise<Buffer> {
    while (this.buffered < count) {
      if (!(await this.more())) throw new TreeError('tree-store-failed', 'git cat-file ended early');
    }
    // A copy: a slice would keep the whole chunk alive for as long as the caller keeps the file.
    return Buffer.from(this.take(count));
  }

  private async more(): Promise<boolean> {
    const next = await this.output.next();
    if (next.done === true) return false;
    this.chunks.push(next.value);
    this.buffered += next.value.length;
    return true;
  }

  private joined(): Buffer {
    const [only] = this.chunks;
    if (this.chunks.length === 1 && only) return only;
    const joined = Buffer.concat(this.chunks);
    this.chunks = [joined];
    return joined;
  }

  private take(count: number): Buffer {
    const joined = this.joined();
    this.chunks = count === joined.length ? [] : [joined.subarray(count)];
    this.buffered -= count;
    return joined.subarray(0, count);
  }
}

/**
 * Reads objects one after the other, in the order asked for, as `git cat-file` names them; undefined for one that isn't there.
 * @throws TreeError `too-large`.
 */
export async function* readObjects(
  git: Git,
  names: readonly string[],
  maxBytes: number,
): AsyncGenerator<{ readonly type: string; readonly content: Buffer } | undefined> {
  if (names.length === 0) return;
  const output = git.stream(['cat-file', '--batch', '--buffer', '-z'], {
    input: Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1'),
    maxBytes: Number.MAX_SAFE_INTEGER,
  });
  const reader = new BatchReader(output);
  try {
    for (const name of names) {
      const line = await reader.line();
      const [, type, size] = /^[0-9a-f]{40} (\w+) (\d+)$/.exec(line) ?? [];
      if (type === undefined) {
        yield undefined;
        continue;
      }
      if (Number(size) > maxBytes)
        throw new TreeError('too-large', `${name} has ${size} bytes, ${maxBytes} are allowed`);
      const content = await reader.bytes(Number(size));
      await reader.bytes(1);
      yield { type, content };
    }
  } finally {
    await output.return(undefined);
  }
}

/** The content of blobs, in order. @throws TreeError with its `object`: `path-not-found` if an id is no blob of this store; `too-large`. */
export async function* readBlobs(git: Git, blobs: readonly GitId[], maxBytes: number): AsyncGenerator<Buffer> {
  let at = 0;
  try {
    for await (const object of readObjects(git, blobs, maxBytes)) {
      if (object?.type !== 'blob') throw new TreeError('path-not-found', `${blobs[at]} is no blob of this store`);
      at += 1;
      yield object.content;
    }
  } catch (error) {
    if (error instanceof TreeError) error.object ??= blobs[at];
    throw error;
  }
}
