import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessError, run } from '#libs/process';
import { readText } from './bounded-file.js';
import { LoaderError } from './errors.js';
import { kernelLogSince, lastLogSequence } from './kernel-log.js';
import { refusalOf } from './refusal.js';

const insmodTimeoutMs = 120_000;
/** After the last task has left it, the kernel lets go of a module in a work item of its own. */
const rmmodAttempts = 50;
const rmmodPauseMs = 100;

/** The kernel's modules, which kmod's programs put in and take out. */
export class KernelModules {
  constructor(
    private readonly root: string,
    private readonly options: { readonly insmod?: string; readonly rmmod?: string },
  ) {}

  /** Whether it is loaded, and neither coming nor going. */
  async isLive(module: string): Promise<boolean> {
    return (await readText(join(this.root, 'sys/module', module, 'initstate'))) === 'live';
  }

  /** @returns how long it took, in ms. @throws LoaderError of what the kernel said, `program-missing`, `load-timeout`. */
  async insert(file: string, module: string): Promise<number> {
    const log = join(this.root, 'dev/kmsg');
    const sequence = lastLogSequence(log);
    const start = performance.now();
    try {
      await this.run(this.options.insmod ?? 'insmod', [file]);
    } catch (cause) {
      if (!(cause instanceof ProcessError) || cause.code !== 'failed') throw asLoaderError(cause);
      throw refusalOf(module, cause, kernelLogSince(log, sequence));
    }
    return performance.now() - start;
  }

  /** @returns how long it took, in ms. @throws LoaderError `busy`, `program-missing`, `load-timeout`. */
  async remove(module: string): Promise<number> {
    const start = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.run(this.options.rmmod ?? 'rmmod', [module]);
        return performance.now() - start;
      } catch (cause) {
        if (!(cause instanceof ProcessError) || cause.code !== 'failed') throw asLoaderError(cause);
        if (attempt >= rmmodAttempts) {
          throw new LoaderError('busy', `${module} can't be removed: ${cause.stderr.trim()}`, [], { cause });
        }
      }
      await sleep(rmmodPauseMs);
    }
  }

  private async run(program: string, args: readonly string[]): Promise<void> {
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
    const abandoned = new AbortController();
    // A process that hangs in the kernel can't even be killed.
    const late = sleep(insmodTimeoutMs + 5_000, undefined, { ref: false, signal: abandoned.signal }).then(() => {
      throw new ProcessError('timed-out', `${program} can't be killed`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([run(program, args, { env, timeoutMs: insmodTimeoutMs }), late]);
    } finally {
      abandoned.abort();
    }
  }
}

function asLoaderError(cause: unknown): unknown {
  if (!(cause instanceof ProcessError)) return cause;
  if (cause.code === 'program-not-found') {
    return new LoaderError('program-missing', `${cause.message}: install the package kmod`, [], { cause });
  }
  return new LoaderError('load-timeout', cause.message, [], { cause });
}
