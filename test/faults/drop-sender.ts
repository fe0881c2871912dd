import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { Random } from '#libs/hostile';
import { ask, jsonOf } from './asking.js';
import type { Entry } from './log.js';
import type { Violation } from './violation.js';

const run = promisify(execFile);
const answerMs = 20_000;
const product = 'faulty-linux';

/** Hands in small source trees, each a step from the one before: what ingest unpacks and diff splits. */
export class DropSender {
  /** Drops that were taken, in order. */
  readonly taken: { readonly dropId: string; readonly base?: string }[] = [];
  private readonly random: Random;
  private step = 0;

  constructor(
    private readonly ingestUrl: string,
    private readonly adminToken: string,
    private readonly scratchDir: string,
    seed: string,
  ) {
    this.random = new Random(seed, 'drops');
  }

  /** One more drop, sent until it is taken. */
  async next(): Promise<void> {
    await sleep(3_000 + this.random.below(6_000));
    this.step += 1;
    const archive = await this.archive(this.step);
    const { digest } = await this.persistently('/v1/blobs', 'application/octet-stream', archive, blobSchema);
    const base = this.taken.at(-1)?.dropId;
    const fileName = `linux-6.1.${this.step}.tar.gz`;
    const request = { product, fileName, archive: digest, ...(base === undefined ? {} : { base }) };
    const body = Buffer.from(JSON.stringify(request));
    const { dropId } = await this.persistently('/v1/drops', 'application/json', body, dropSchema);
    this.taken.push({ dropId, ...(base === undefined ? {} : { base }) });
  }

  /** Every drop that was taken went its whole way, and each step of it once. */
  check(entries: readonly Entry[]): Violation[] {
    return this.taken.flatMap(({ dropId, base }) => {
      const own = entries.filter(({ stream }) => stream === `drop.${dropId}`);
      const types = own.flatMap(({ events }) => events.map(({ fact }) => fact.type));
      const due = ['SourceDropReceived', 'SourceDropUnpacked', ...(base === undefined ? [] : ['DropSplit'])];
      if (types.join() === due.join()) return [];
      return [{ check: 'drops', what: `drop ${dropId} has ${types.join(', ')}, and not ${due.join(', ')}` }];
    });
  }

  private async archive(step: number): Promise<Buffer<ArrayBuffer>> {
    await mkdir(this.scratchDir, { recursive: true });
    const folder = await mkdtemp(join(this.scratchDir, 'tar-'));
    const files = {
      Makefile: `VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = ${step}\n`,
      'fs/pipe.c': Array.from({ length: step }, (_, n) => `int pipe_${n};\n`).join(''),
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, 'linux', path)), { recursive: true });
      await writeFile(join(folder, 'linux', path), text);
    }
    await run('tar', ['-czf', join(folder, 'out.tar.gz'), '-C', folder, 'linux']);
    const bytes = await readFile(join(folder, 'out.tar.gz'));
    await rm(folder, { recursive: true });
    return bytes;
  }

  private async persistently<T>(
    path: string,
    type: string,
    body: Buffer<ArrayBuffer>,
    schema: z.ZodType<T>,
  ): Promise<T> {
    const headers = { authorization: `Bearer ${this.adminToken}`, 'content-type': type };
    for (;;) {
      const answer = await ask(this.ingestUrl + path, { method: 'POST', headers, body }, answerMs);
      if (answer !== undefined && answer.status < 500) return schema.parse(jsonOf(answer));
      await sleep(100 + this.random.below(200));
    }
  }
}

const blobSchema = z.object({ digest: z.string() });
const dropSchema = z.object({ dropId: z.string() });
