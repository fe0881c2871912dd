import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest, RunningKernel } from '#libs/contracts';
import { ProcessError, run } from '#libs/process';
import { readText } from './bounded-file.js';
import { LoaderError, type StalledTask } from './errors.js';
import { hardwareDigest } from './hardware.js';
import { kernelLogSince, lastLogSequence } from './kernel-log.js';
import { type AskedSymbol, KernelSymbols, type SymbolCounts } from './kernel-symbols.js';
import { type LoadedFunction, type LoadedPatch, LivepatchTree } from './livepatch-tree.js';
import { findObstacles, type Obstacle } from './preflight.js';
import { refusalOf } from './refusal.js';
import { readRunningKernel, readVendorVersion } from './running-kernel.js';
import { stalledTasks } from './stalled-tasks.js';

export interface LoaderOptions {
  /** The file system's root, where /sys, /proc and /dev are; another one in tests. */
  readonly root?: string;
  readonly insmod?: string;
  readonly rmmod?: string;
}

export interface TransitionOptions {
  /** A transition that takes longer is taken back. */
  readonly transitionTimeoutMs: number;
  /** After this long `onStall` hears who holds it; 5 s by default. */
  readonly stallAfterMs?: number;
  readonly onStall?: (tasks: readonly StalledTask[]) => void;
  /** false: the module stays when its patch has been taken back, because the kernel may hold on to addresses in it. */
  readonly unload?: boolean;
}

export interface LoadOptions extends TransitionOptions {
  /** All that the patch replaces, and nothing else; position 0 means "the only one". */
  readonly functions: readonly LoadedFunction[];
  /** Modules of live patches whose place it takes (klp_patch.replace); none by default. */
  readonly replaces?: readonly string[];
}

/** How long the kernel took. */
export interface Transition {
  /** insmod or rmmod itself. */
  readonly moduleMs: number;
  /** From there until each task was on its new side. */
  readonly transitionMs: number;
}

const insmodTimeoutMs = 120_000;
const pollMs = 20;
const defaultStallAfterMs = 5_000;
/** klp_free_replaced_patches_async: normally some milliseconds. */
const replacedWithinMs = 5_000;
/** After the last task has left it, the kernel lets go of a module in a work item of its own. */
const rmmodAttempts = 50;

/** Puts live patches into the running kernel and takes them out again. Never forces: a forced patch can't be removed any more. */
export class Loader {
  private readonly root: string;
  private readonly tree: LivepatchTree;
  private readonly kernelSymbols: KernelSymbols;

  constructor(private readonly options: LoaderOptions = {}) {
    this.root = options.root ?? '/';
    this.tree = new LivepatchTree(join(this.root, 'sys/kernel/livepatch'));
    this.kernelSymbols = new KernelSymbols(this.root);
  }

  /** A digest of what identifies the hardware; undefined where nothing does, or only root may know and this isn't root. */
  hardware(): Promise<Digest | undefined> {
    return hardwareDigest(this.root);
  }

  /** @throws LoaderError `unreadable`. */
  async runningKernel(): Promise<RunningKernel> {
    return readRunningKernel(this.root);
  }

  /** The distribution's own version of the kernel, where it tells it. */
  async vendorVersion(): Promise<string | undefined> {
    return readVendorVersion(this.root);
  }

  /** How often each of these occurs in the running kernel, by object. @throws LoaderError `unreadable`. */
  async symbols(asked: readonly AskedSymbol[]): Promise<SymbolCounts> {
    return this.kernelSymbols.count(asked);
  }

  /** Reads the running kernel's symbols ahead: the first to ask for some would wait for that. @throws LoaderError `unreadable`. */
  async readSymbols(): Promise<void> {
    this.kernelSymbols.readAhead();
  }

  /** What would make the kernel refuse any live patch; none if it is ready. */
  async obstacles(): Promise<Obstacle[]> {
    return findObstacles(this.root, process.geteuid?.() ?? 0);
  }

  async loaded(): Promise<LoadedPatch[]> {
    return this.tree.patches();
  }

  /**
   * insmod → wait until each task runs the new functions → prove that the kernel replaced exactly these. Whatever fails after
   * insmod, the patch is taken back.
   * @param module its name in the kernel. @throws LoaderError
   */
  async load(file: string, module: string, options: LoadOptions): Promise<Transition> {
    if (!(await this.tree.isSupported())) {
      throw new LoaderError(
        'unsupported-kernel',
        'there is no /sys/kernel/livepatch: this kernel has no live patching',
      );
    }
    if (await this.tree.has(module)) throw new LoaderError('already-loaded', `${module} is in the kernel already`);
    await this.removeLeftover(module, options);
    const moduleMs = await this.insmod(file, module);
    const start = performance.now();
    const stalled = await this.awaitTransition(module, 1, options);
    if (stalled !== undefined) {
      await this.reverse(module, options);
      throw new LoaderError('transition-stalled', `${module} was taken back: ${tellTasks(stalled)}`, stalled);
    }
    const transitionMs = performance.now() - start;
    const difference = await this.proveFunctions(module, options.functions);
    if (difference !== undefined) {
      if (await this.tree.has(module)) await this.reverse(module, options);
      else await this.unload(module, options);
      throw new LoaderError('wrong-functions', `${module} was taken back: ${difference}`);
    }
    const staying = await this.stillThere(options.replaces ?? []);
    if (staying.length > 0) {
      await this.reverse(module, options);
      throw new LoaderError('not-replaced', `${module} was taken back: ${staying.join(', ')} stayed in force`);
    }
    return { moduleMs: Math.round(moduleMs), transitionMs: Math.round(transitionMs) };
  }

  /** Takes out the module of a patch whose place another one took. @throws LoaderError `busy` while it is in force or in use. */
  async discard(module: string): Promise<void> {
    if (await this.tree.has(module)) throw new LoaderError('busy', `${module} is still a live patch in the kernel`);
    if ((await readText(join(this.root, 'sys/module', module, 'initstate'))) === 'live') await this.rmmod(module);
  }

  /** Of these, the patches that are there after the time which the kernel's work item for replaced ones may take. */
  private async stillThere(modules: readonly string[]): Promise<readonly string[]> {
    const deadline = performance.now() + replacedWithinMs;
    for (;;) {
      const there: string[] = [];
      for (const module of modules) if (await this.tree.has(module)) there.push(module);
      if (there.length === 0 || performance.now() >= deadline) return there;
      await sleep(pollMs);
    }
  }

  /** @returns in words what is wrong; undefined if the kernel replaced exactly the expected functions. */
  private async proveFunctions(module: string, expected: readonly LoadedFunction[]): Promise<string | undefined> {
    const patch = await this.tree.read(module);
    const difference = functionsDiffer(patch, expected);
    if (patch === undefined || difference !== undefined) return difference;
    for (const object of new Set(expected.map((one) => one.object))) {
      // A module that isn't loaded gets its new functions when it is.
      const isThere =
        object === 'vmlinux' || (await readText(join(this.root, 'sys/module', object, 'initstate'))) === 'live';
      if (isThere && !patch.patchedObjects.includes(object)) return `the kernel did not patch ${object}`;
    }
    return undefined;
  }

  /** Takes a patch back, and its module out unless it has to stay. @throws LoaderError `not-loaded`, `reverse-stalled`, `busy`, `not-permitted`. */
  async reverse(module: string, options: TransitionOptions): Promise<Transition> {
    const patch = await this.tree.read(module);
    if (patch === undefined) throw new LoaderError('not-loaded', `${module} is not in the kernel`);
    const start = performance.now();
    if (patch.enabled) await this.tree.disable(module);
    const stalled = await this.awaitTransition(module, 0, options);
    if (stalled !== undefined) {
      throw new LoaderError('reverse-stalled', `${module} is still being taken back: ${tellTasks(stalled)}`, stalled);
    }
    const transitionMs = performance.now() - start;
    const moduleMs = await this.unload(module, options);
    return { moduleMs: Math.round(moduleMs), transitionMs: Math.round(transitionMs) };
  }

  /** @returns undefined once it has ended; after `transitionTimeoutMs`, who holds it. */
  private async awaitTransition(
    module: string,
    goal: 0 | 1,
    options: TransitionOptions,
  ): Promise<StalledTask[] | undefined> {
    const start = performance.now();
    let told = false;
    while ((await this.tree.inTransition(module)) === true) {
      const waitedMs = performance.now() - start;
      const late = waitedMs >= options.transitionTimeoutMs;
      if (late || (!told && waitedMs >= (options.stallAfterMs ?? defaultStallAfterMs))) {
        const tasks = await stalledTasks(join(this.root, 'proc'), goal);
        if (!told) options.onStall?.(tasks);
        told = true;
        if (late) return tasks;
      }
      await sleep(pollMs);
    }
    return undefined;
  }

  /** A patch that was taken back and then let go of only after its loader had given up: its module is still there. */
  private async removeLeftover(module: string, options: TransitionOptions): Promise<void> {
    const state = await readText(join(this.root, 'sys/module', module, 'initstate'));
    if (state !== 'live' || (await this.tree.has(module))) return;
    if (options.unload === false)
      throw new LoaderError(
        'stays-loaded',
        `${module} was taken back in this boot and can't be unloaded: it can be applied again after a reboot`,
      );
    await this.rmmod(module);
  }

  private async unload(module: string, { unload = true }: TransitionOptions): Promise<number> {
    return unload ? await this.rmmod(module) : 0;
  }

  private async insmod(file: string, module: string): Promise<number> {
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

  private async rmmod(module: string): Promise<number> {
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
      await sleep(pollMs * 5);
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

function tellTasks(tasks: readonly StalledTask[]): string {
  if (tasks.length === 0) return 'the transition did not end in time';
  return `held by ${tasks
    .slice(0, 8)
    .map(({ name, pid, stack }) => `${name} (${pid})${stack[0] === undefined ? '' : ` in ${stack[0]}`}`)
    .join(', ')}`;
}

function functionsDiffer(patch: LoadedPatch | undefined, expected: readonly LoadedFunction[]): string | undefined {
  if (patch === undefined) return 'it is no live patch';
  if (!patch.enabled) return 'the kernel did not enable it';
  const actual = new Set(patch.functions.map(functionKey));
  const wanted = new Set(expected.map(functionKey));
  const missing = [...wanted].filter((key) => !actual.has(key));
  const surplus = [...actual].filter((key) => !wanted.has(key));
  if (wanted.size === expected.length && missing.length === 0 && surplus.length === 0) return undefined;
  return `it should replace ${missing.join(', ') || 'nothing more'}, and not ${surplus.join(', ') || 'less'}`;
}

/** The kernel shows position 1 for a symbol that was asked for as the only one of its name (klp_init_func). */
function functionKey({ object, symbol, sympos }: LoadedFunction): string {
  return `${object}/${symbol},${sympos === 0 ? 1 : sympos}`;
}
