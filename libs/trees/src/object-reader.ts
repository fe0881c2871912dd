import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { BatchReader } from './blobs.js';
import { endOf, type Git } from './git.js';
import { TreeError } from './port.js';

const maxNameChars = 5000;

/** Reads single files through one `git cat-file` that stays: a compile asks for hundreds, most of which aren't there. */
export class ObjectReader {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly output: BatchReader;
  private readonly end: ReturnType<typeof endOf>;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    git: Git,
    private readonly maxBytes: number,
  ) {
    const args = ['cat-file', '--batch', '-z'];
    this.child = git.start(args);
    this.end = endOf(this.child, args);
    this.child.stdin.on('error', () => undefined);
    this.output = new BatchReader((this.child.stdout as AsyncIterable<Buffer>)[Symbol.asyncIterator]());
  }

  /** The content of a blob by any name that git knows for it (`<tree>:fs/fcntl.c`), as latin1; undefined if there is none. */
  async read(name: string): Promise<Buffer | undefined> {
    if (!isAskable(name)) return undefined;
    const answer = this.last.then(async () => await this.ask(name));
    this.last = answer.catch(() => undefined);
    return await answer;
  }

  /** Ends git. */
  async close(): Promise<void> {
    this.child.stdin.end();
    this.child.kill('SIGKILL');
    await this.end;
  }

  private async ask(name: string): Promise<Buffer | undefined> {
    this.child.stdin.write(Buffer.from(`${name}\0`, 'latin1'));
    const line = await this.output.line();
    const [, type, size] = /^[0-9a-f]{40} (\w+) (\d+)$/.exec(line) ?? [];
    if (type === undefined) {
      // Git repeats the name that it doesn't know, on as many lines as it has.
      for (let more = name.split('\n').length - 1; more > 0; more -= 1) await this.output.line();
      return undefined;
    }
    if (Number(size) > this.maxBytes) {
      await this.close();
      throw new TreeError('too-large', `${name} has ${size} bytes, ${this.maxBytes} are allowed`);
    }
    const content = await this.output.bytes(Number(size));
    await this.output.bytes(1);
    return type === 'blob' ? content : undefined;
  }
}

/** Longer names than that are of no object, nor are those of more than bytes: they aren't asked for. */
function isAskable(name: string): boolean {
  return name.length <= maxNameChars && !name.includes('\0') && !/[^\0-\u00ff]/.test(name);
}
