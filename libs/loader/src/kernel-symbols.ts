import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { LoaderError } from './errors.js';
import { SymbolTable } from './symbol-table.js';

/** A kernel with all of Debian's modules loaded would have about 60 MB. */
const maxBytes = 256 * 1024 * 1024;
const bracket = 0x5d;

/** A symbol that is asked for: of `vmlinux`, or of a module. */
export interface AskedSymbol {
  readonly object: string;
  readonly symbol: string;
}

/** How often names occur, by object, of what was asked for. A module that isn't loaded has no entry. */
export type SymbolCounts = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * The running kernel's symbols (/proc/kallsyms). The kernel makes that file anew for each reader, a page at a time and with each name
 * unpacked: reading it takes longer than all else in a bundle's verification. So it is read once, and no further than is needed: vmlinux's names come
 * first (kernel/kallsyms.c, update_iter()) and stand for the whole boot, a module's as long as it is the same one that is loaded.
 */
export class KernelSymbols {
  #table: SymbolTable | undefined;
  /** Whether the modules' names are in it too. */
  #isWhole = false;
  /** The modules that were loaded when it was read. */
  #modules: ReadonlyMap<string, string> = new Map();

  readonly #path: string;

  /** @param root the file system's root; another one in tests. */
  constructor(private readonly root: string) {
    this.#path = join(root, 'proc/kallsyms');
  }

  /** Reads all names, those of the modules that are loaded now too, before anybody asks for them. @throws LoaderError `unreadable`. */
  readAhead(): void {
    if (!this.#isWhole) this.#read(true, this.#loadedModules());
  }

  /** @throws LoaderError `unreadable`. */
  count(asked: readonly AskedSymbol[]): SymbolCounts {
    const objects = new Set(asked.map(({ object }) => object));
    const ofModules = [...objects].filter((object) => object !== 'vmlinux');
    const modules = ofModules.length === 0 ? this.#modules : this.#loadedModules();
    const isStale = ofModules.some((name) => modules.has(name) && modules.get(name) !== this.#modules.get(name));
    const wantsWhole = ofModules.some((name) => modules.has(name));
    const known = isStale || (wantsWhole && !this.#isWhole) ? undefined : this.#table;
    const table = known ?? this.#read(wantsWhole, modules);
    return countsIn(table, asked, ['vmlinux', ...ofModules.filter((name) => modules.has(name))]);
  }

  /** @param modules as they were loaded before it is read: one that comes meanwhile is another one than was read, and read again. */
  #read(whole: boolean, modules: ReadonlyMap<string, string>): SymbolTable {
    this.#table = new SymbolTable(readTable(this.#path, whole));
    this.#isWhole = whole;
    this.#modules = modules;
    return this.#table;
  }

  /** Name to what tells one loading of a module from another: size, state and place, but not how often it is in use. */
  #loadedModules(): ReadonlyMap<string, string> {
    const path = join(this.root, 'proc/modules');
    try {
      const lines = readFileSync(path, 'latin1').split('\n');
      return new Map(
        lines.map((line) => {
          const [name = '', sizeBytes, , , state, address] = line.split(' ');
          return [name, `${sizeBytes} ${state} ${address}`];
        }),
      );
    } catch (cause) {
      throw new LoaderError('unreadable', `${path}: ${String(cause)}`, [], { cause });
    }
  }
}

/**
 * There are thousands of reads: without waiting for each they are done in a tenth of the time.
 * @param whole else no further than to the first names of modules.
 */
function readTable(path: string, whole: boolean): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      let buffer = Buffer.allocUnsafe(8 * 1024 * 1024);
      for (let filled = 0; ;) {
        const length = readSync(file, buffer, filled, buffer.length - filled, null);
        filled += length;
        // A page that the kernel made ends with a line: `ffffffffc0000000 t name\t[module]`.
        const isEnough = !whole && buffer[filled - 2] === bracket;
        if (length === 0 || isEnough) return buffer.subarray(0, filled);
        if (filled > maxBytes) throw new LoaderError('unreadable', `${path} has more than ${maxBytes} bytes`);
        if (filled === buffer.length) buffer = Buffer.concat([buffer], 2 * filled);
      }
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof LoaderError) throw cause;
    throw new LoaderError('unreadable', `${path}: ${String(cause)}`, [], { cause });
  }
}

function countsIn(table: SymbolTable, asked: readonly AskedSymbol[], objects: readonly string[]): SymbolCounts {
  const counts = new Map(objects.map((object) => [object, new Map<string, number>()]));
  for (const { object, symbol } of asked) {
    const count = counts.has(object) ? table.count(object, symbol) : 0;
    if (count > 0) counts.get(object)?.set(symbol, count);
  }
  return counts;
}
