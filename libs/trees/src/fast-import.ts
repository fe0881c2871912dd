import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { GitId } from '#libs/contracts';
import { endOf, type Git } from './git.js';
import { type CommitText, TreeError, type TreeMode } from './port.js';

const batchBytes = 256 * 1024;
/** Series and trees are the same bytes for everybody: the committer is no person, and its time is the author's. */
const committer = 'Splicecast <splicecast@localhost>';

/** Writes git's fast-import stream (git-fast-import(1)) with back-pressure, in large pieces. */
export class FastImport {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly end: ReturnType<typeof endOf>;
  private batch: Uint8Array[] = [];
  private batched = 0;
  private over = false;

  constructor(git: Git) {
    // --depth=0: looking for deltas costs more than a source tree gains by them. --done: a stream cut short is an error.
    const args = ['fast-import', '--quiet', '--done', '--depth=0', '--date-format=raw'];
    this.child = git.start(args);
    this.child.stdin.on('error', () => undefined);
    this.child.stdout.resume();
    this.end = endOf(this.child, args).finally(() => (this.over = true));
  }

  /** Begins a commit on `ref`; with `parent`, on that commit (`:<mark>` or an id). */
  async commit(ref: string, mark: number, text: CommitText, parent?: string): Promise<void> {
    const seconds = Math.floor(text.author.at.getTime() / 1000);
    const message = Buffer.from(text.message);
    const { name, email } = text.author;
    await this.write(
      `commit ${ref}\nmark :${mark}\nauthor ${ident(name)} <${ident(email)}> ${seconds} +0000\n` +
        `committer ${committer} ${seconds} +0000\ndata ${message.length}\n`,
    );
    await this.write(message);
    await this.write(parent === undefined ? '\n' : `\nfrom ${parent}\n`);
  }

  /** Makes the commit's whole tree a tree that exists. */
  async tree(tree: GitId): Promise<void> {
    await this.write(`M 040000 ${tree} ""\n`);
  }

  async file(path: string, mode: TreeMode, content: Uint8Array | GitId): Promise<void> {
    if (typeof content === 'string') return this.write(`M ${mode} ${content} ${quotedPath(path)}\n`);
    await this.write(`M ${mode} inline ${quotedPath(path)}\ndata ${content.length}\n`);
    await this.write(content);
    await this.write('\n');
  }

  async copy(from: string, to: string): Promise<void> {
    await this.write(`C ${quotedPath(from)} ${quotedPath(to)}\n`);
  }

  async remove(path: string): Promise<void> {
    await this.write(`D ${quotedPath(path)}\n`);
  }

  /** Ends the stream and waits until all is on disk. @throws TreeError `tree-store-failed`, `no-space`. */
  async finish(): Promise<void> {
    await this.write('done\n');
    await this.flush();
    this.child.stdin.end();
    const failure = await this.end;
    if (failure) throw failure;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.end;
  }

  private async write(bytes: Uint8Array | string): Promise<void> {
    const piece = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    this.batch.push(piece);
    this.batched += piece.length;
    if (this.batched >= batchBytes) await this.flush();
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.concat(this.batch);
    this.batch = [];
    this.batched = 0;
    if (this.over || !this.child.stdin.writable) await this.fail();
    if (this.child.stdin.write(bytes)) return;
    if (this.over || this.child.stdin.destroyed) await this.fail();
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.child.stdin.off('drain', wake).off('close', wake);
        resolve();
      };
      this.child.stdin.on('drain', wake).on('close', wake);
    });
    if (this.over || this.child.stdin.destroyed) await this.fail();
  }

  private async fail(): Promise<never> {
    this.child.kill('SIGKILL');
    const failure = await this.end;
    throw failure ?? new TreeError('tree-store-failed', 'git fast-import ended early');
  }
}

/** A path in fast-import's C-style quotes; always quoted, so that no name can be a command. */
function quotedPath(path: string): string {
  const escaped = path.replace(/["\\\p{Cc}]/gu, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    return `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${escaped}"`;
}

/** A name or address without what would end it early; as latin1 of its UTF-8 bytes. */
function ident(text: string): string {
  const clean = text.replace(/[<>\p{Cc}]/gu, ' ').trim();
  return Buffer.from(clean === '' ? 'unknown' : clean, 'utf8').toString('latin1');
}
