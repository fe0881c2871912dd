import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest, RunningKernel } from '#libs/contracts';
import { disproof } from './disproof.js';
import { LoaderError, type StalledTask } from './errors.js';
import { hardwareDigest } from './hardware.js';
import { KernelModules } from './kernel-modules.js';
import { type AskedSymbol, KernelSymbols, type SymbolCounts } from './kernel-symbols.js';
import { type LoadedFunction, type LoadedPatch, LivepatchTree } from './livepatch-tree.js';
import { findObstacles, type Obstacle } from './preflight.js';
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

const pollMs = 20;
const defaultStallAfterMs = 5_000;
/** klp_free_replaced_patches_async: normally some milliseconds. */
const replacedWithinMs = 5_000;

/** Puts live patches into the running kernel and takes them out again. Never forces: a forced patch can't be removed any more. */
export class Loader {
  private readonly root: string;
  private readonly tree: LivepatchTree;
  private readonly modules: KernelModules;
  private readonly kernelSymbols: KernelSymbols;

  constructor(options: LoaderOptions = {}) {
    this.root = options.root ?? '/';
    this.tree = new LivepatchTree(join(this.root, 'sys/kernel/livepatch'));
    this.modules = new KernelModules(this.root, options);
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
    const moduleMs = await this.modules.insert(file, module);
    const start = performance.now();
    const stalled = await this.awaitTransition(module, 1, options);
    if (stalled !== undefined) {
      await this.reverse(module, options);
      throw new LoaderError('transition-stalled', `${module} was taken back: ${tellTasks(stalled)}`, stalled);
    }
    const transitionMs = performance.now() - start;
    const patch = await this.tree.read(module);
    const difference = await disproof(patch, options.functions, (one) => this.modules.isLive(one));
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
    if (await this.modules.isLive(module)) await this.modules.remove(module);
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
    if (!(await this.modules.isLive(module)) || (await this.tree.has(module))) return;
    if (options.unload === false)
      throw new LoaderError(
        'stays-loaded',
        `${module} was taken back in this boot and can't be unloaded: it can be applied again after a reboot`,
      );
    await this.modules.remove(module);
  }

  private async unload(module: string, { unload = true }: TransitionOptions): Promise<number> {
    return unload ? await this.modules.remove(module) : 0;
  }
}

function tellTasks(tasks: readonly StalledTask[]): string {
  if (tasks.length === 0) return 'the transition did not end in time';
  return `held by ${tasks
    .slice(0, 8)
    .map(({ name, pid, stack }) => `${name} (${pid})${stack[0] === undefined ? '' : ` in ${stack[0]}`}`)
    .join(', ')}`;
}
