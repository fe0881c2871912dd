import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Problem } from '#libs/service';
import { PublicRepositories, TreeError, type UploadPack } from '#libs/trees';
import { type Release, Slots } from './slots.js';

/** Packing takes a core: with some more at once than cores, they stay busy while others wait for slow lines. */
export const gitAtOnce = 2 * availableParallelism() + 2;
/** A request is held in memory until git takes it, so these are bounded too. */
const readAtOnce = 32;
const maxWaiting = 64;
const longestWaitMs = 10_000;

/** What a client asks of a repository. */
export interface GitAsk {
  readonly name: string;
  /** The client's `Git-Protocol`. */
  readonly protocol?: string | undefined;
  /** Reads the request; absent: what there is, is asked. */
  readonly body?: () => Promise<Buffer>;
  /** Told when the client is gone. */
  readonly gone: AbortSignal;
}

/** What git answers, from its first byte on. */
export interface GitAnswer {
  readonly bytes: Readable;
  /** Ends git, whether or not it is done, and lets the next one in. */
  readonly end: () => Promise<void>;
}

/** Runs git for those who clone: so many at once and no more, and none longer than its client stays. */
@Injectable()
export class GitServing implements OnModuleDestroy {
  private readonly log = new Logger('redpatch');
  private readonly reading = new Slots(readAtOnce, maxWaiting);
  private readonly serving = new Slots(gitAtOnce, maxWaiting);
  private readonly running = new Set<UploadPack>();

  constructor(private readonly repositories: PublicRepositories) {}

  onModuleDestroy(): void {
    for (const pack of this.running) pack.stop();
  }

  /**
   * Has a request answered. It resolves when git has said its first word, so that what fails before that is told as an error.
   * @throws Problem 404 for an unknown repository, 503 while too many are served, 400 for what git doesn't understand
   */
  async answer(ask: GitAsk): Promise<GitAnswer> {
    const { name, body, gone } = ask;
    if (!(await this.repositories.has(name))) throw Problem.notFound('repository', `${name}.git`);
    const read = await taken(this.reading);
    try {
      const input = await body?.();
      const release = await taken(this.serving);
      if (!gone.aborted) return await this.begin(ask, input, release);
      release();
      throw new Problem({ status: 400, code: 'client-gone', title: 'Nobody waits for the answer' });
    } finally {
      read();
    }
  }

  private async begin(
    { name, protocol, gone }: GitAsk,
    input: Buffer | undefined,
    release: Release,
  ): Promise<GitAnswer> {
    const pack = await this.repositories.uploadPack(name, { protocol, input }).catch((error: unknown) => {
      release();
      throw error;
    });
    const answer = pack.answer();
    const stop = (): void => pack.stop();
    const end = async (): Promise<void> => {
      stop();
      await answer.return(undefined).catch(() => undefined);
      gone.removeEventListener('abort', stop);
      this.running.delete(pack);
      release();
    };
    this.running.add(pack);
    gone.addEventListener('abort', stop);
    if (gone.aborted) stop();
    try {
      const first = await answer.next();
      return { bytes: Readable.from(joined(first, answer), { objectMode: false }), end };
    } catch (error) {
      await end();
      throw this.refusalOf(name, error);
    }
  }

  private refusalOf(name: string, error: unknown): unknown {
    if (!(error instanceof TreeError)) return error;
    this.log.warn(`git did not answer for ${name}.git: ${error.message}`);
    if (error.code === 'timed-out') return new Problem({ status: 504, code: 'timed-out', title: 'Git took too long' });
    return new Problem({ status: 400, code: 'malformed-body', title: 'Git does not understand the request' });
  }
}

async function taken(slots: Slots): Promise<Release> {
  const release = await slots.take(longestWaitMs);
  if (release !== undefined) return release;
  const detail = 'so many are served at once and no more; try again in a minute';
  throw new Problem({ status: 503, code: 'busy', title: 'Too many clones at once', detail });
}

async function* joined(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}
