import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { LoaderError } from './errors.js';

/** A kernel with all of Debian's modules loaded would have about 60 MB. */
const maxBytes = 256 * 1024 * 1024;
const [tab, newline, space, bracket] = [0x09, 0x0a, 0x20, 0x5d] as const;

/** A symbol that is asked for: of `vmlinux`, or of a module. */
export interface AskedSymbol {
  readonly object: string;
  readonly symbol: string;
}

/** How often names occur, by object, of what was asked for. A module that isn't loaded has no entry. */
export type SymbolCounts = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * The running kernel's symbols (/proc/kallsyms). The kernel makes that file anew for each reader, a page at a time and with each name
 * unpacked: reading it is most of what a bundle's verification takes. So it is read once, and no further than is needed: vmlinux's names come
 * first (kernel/kallsyms.c, update_iter()) and stand for the whole boot, a module's as long as it is the same one that is loaded.
 */
export class KernelSymbols {
  #text: Buffer | undefined;
  /** Whether the modules' names are in it too. */
  #isWhole = false;
  /** The modules that were loaded when it was read. */
  #modules: ReadonlyMap<string, string> = new Map();

  /** @param root the file system's root; another one in tests. */
  constructor(private readonly root: string) {}

  /** @throws LoaderError `unreadable`. */
  count(asked: readonly AskedSymbol[]): SymbolCounts {
    const objects = new Set(asked.map(({ object }) => object));
    const ofModules = [...objects].filter((object) => object !== 'vmlinux');
    const modules = ofModules.length === 0 ? this.#modules : this.#loadedModules();
    const isStale = ofModules.some((name) => modules.has(name) && modules.get(name) !== this.#modules.get(name));
    const wantsWhole = ofModules.some((name) => modules.has(name));
    if (this.#text === undefined || isStale || (wantsWhole && !this.#isWhole)) {
      this.#text = readTable(join(this.root, 'proc/kallsyms'), wantsWhole);
      this.#isWhole = wantsWhole;
      this.#modules = modules;
    }
    return countIn(this.#text, asked, ['vmlinux', ...ofModules.filter((name) => modules.has(name))]);
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

/**
 * One pass over the lines: `ADDRESS TYPE NAME` and, for a module's, a tab and `[MODULE]` (proc(5); addresses may be hidden, names never
 * are, and all addresses are of one width). Of the hundred thousand that nobody asks for nothing but length and last letter is looked at, and
 * no string is made. To look for each line's end is a sixth of the time that looking at every byte here takes.
 */
function countIn(text: Buffer, asked: readonly AskedSymbol[], objects: readonly string[]): SymbolCounts {
  const wanted = new Set(asked.map(({ symbol }) => symbol));
  const mayBeWanted = new Uint8Array(1 << 16);
  for (const name of wanted) mayBeWanted[shapeOf(name.length, name.charCodeAt(name.length - 1))] = 1;
  const counts = new Map(objects.map((object) => [object, new Map<string, number>()]));
  const beforeName = text.indexOf(space) + ' t '.length;
  let end = 0;
  for (let from = 0; from < text.length; from = end + 1) {
    end = text.indexOf(newline, from);
    if (end < 0) end = text.length;
    const isOfModule = text[end - 1] === bracket;
    const nameEnd = isOfModule ? text.indexOf(tab, from) : end;
    if (mayBeWanted[shapeOf(nameEnd - from - beforeName, text[nameEnd - 1] ?? 0)] !== 1) continue;
    const name = text.toString('latin1', from + beforeName, nameEnd);
    if (!wanted.has(name)) continue;
    countOne(counts.get(isOfModule ? text.toString('latin1', nameEnd + 2, end - 1) : 'vmlinux'), name);
  }
  return counts;
}

function shapeOf(length: number, last: number): number {
  return ((length & 0xff) << 8) | (last & 0xff);
}

function countOne(own: Map<string, number> | undefined, name: string): void {
  own?.set(name, (own.get(name) ?? 0) + 1);
}
