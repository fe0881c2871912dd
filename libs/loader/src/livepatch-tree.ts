import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from './bounded-file.js';
import { LoaderError } from './errors.js';

/** A function as the kernel names it below /sys/kernel/livepatch. */
export interface LoadedFunction {
  /** `vmlinux` or a module. */
  readonly object: string;
  readonly symbol: string;
  /** 1-based position among equal names; here it is never 0. */
  readonly sympos: number;
}

/** A live patch that is in the kernel. */
export interface LoadedPatch {
  readonly module: string;
  readonly enabled: boolean;
  /** Tasks are still on their way to (or back from) it. */
  readonly inTransition: boolean;
  readonly functions: readonly LoadedFunction[];
  /** Objects whose functions are replaced now. A module that isn't loaded gets them when it is. */
  readonly patchedObjects: readonly string[];
}

const maxPatches = 1024;
const maxFunctions = 200_000;

/** /sys/kernel/livepatch (Documentation/ABI/testing/sysfs-kernel-livepatch). */
export class LivepatchTree {
  constructor(private readonly folder: string) {}

  async isSupported(): Promise<boolean> {
    return isFolder(this.folder);
  }

  async has(module: string): Promise<boolean> {
    return isFolder(join(this.folder, module));
  }

  async patches(): Promise<LoadedPatch[]> {
    const patches: LoadedPatch[] = [];
    for (const module of (await foldersIn(this.folder)).slice(0, maxPatches)) {
      const patch = await this.read(module);
      if (patch !== undefined) patches.push(patch);
    }
    return patches;
  }

  /** @returns undefined where it isn't there, or is just going. */
  async read(module: string): Promise<LoadedPatch | undefined> {
    const folder = join(this.folder, module);
    const enabled = await readText(join(folder, 'enabled'));
    const transition = await readText(join(folder, 'transition'));
    if (enabled === undefined || transition === undefined) return undefined;
    const functions: LoadedFunction[] = [];
    const patchedObjects: string[] = [];
    for (const object of await foldersIn(folder)) {
      if ((await readText(join(folder, object, 'patched'))) === '1') patchedObjects.push(object);
      for (const name of await foldersIn(join(folder, object))) functions.push(parseFunction(object, name));
      if (functions.length > maxFunctions) throw new LoaderError('unreadable', `${folder} has too many functions`);
    }
    return { module, enabled: enabled === '1', inTransition: transition === '1', functions, patchedObjects };
  }

  /** Undefined once the patch is gone. */
  async inTransition(module: string): Promise<boolean | undefined> {
    const text = await readText(join(this.folder, module, 'transition'));
    return text === undefined ? undefined : text === '1';
  }

  /** Starts taking it back; in mid-transition, turns that round. */
  async disable(module: string): Promise<void> {
    try {
      await writeFile(join(this.folder, module, 'enabled'), '0\n', { flag: 'r+' });
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw new LoaderError('not-loaded', `${module} is not in the kernel`, [], { cause });
      if (code === 'EPERM' || code === 'EACCES') throw new LoaderError('not-permitted', message, [], { cause });
      // EBUSY: another patch is in transition. EINVAL: it is being disabled already.
      throw new LoaderError('busy', `${module} can't be disabled now: ${message}`, [], { cause });
    }
  }
}

function parseFunction(object: string, name: string): LoadedFunction {
  const [, symbol, position] = /^(.+),(\d+)$/.exec(name) ?? [];
  if (symbol === undefined) throw new LoaderError('unreadable', `livepatch: ${object}/${name} names no function`);
  return { object, symbol, sympos: Number(position) };
}

async function foldersIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new LoaderError('unreadable', `${path}: ${String(cause)}`, [], { cause });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
