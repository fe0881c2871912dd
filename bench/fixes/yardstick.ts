// The same objects through another tool of the field: create-diff-object, run as a program where its path is given.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ElfFile, readElf, type ElfSymbol, SymbolBinding, SymbolType } from '#libs/elf';
import type { BuiltObject } from '#libs/hotpatch';
import type { KernelProfile } from '#libs/kernelimage';
import { ProcessError, run } from '#libs/process';

export type Verdict = 'made' | 'refused' | 'no-change' | 'error' | 'crashed';

export interface YardstickOutcome {
  readonly verdict: Verdict;
  /** What it said of the objects that it didn't make. */
  readonly said: readonly string[];
}

const exits: Readonly<Record<number, Verdict>> = { 0: 'made', 1: 'error', 2: 'refused', 3: 'no-change' };

const environment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };

/** The tool is told the entry sizes of the kernel's tables. */
const tables: Readonly<Record<string, string>> = {
  ALT_STRUCT_SIZE: 'alt_instr',
  BUG_STRUCT_SIZE: 'bug_entry',
  EX_STRUCT_SIZE: 'exception_table_entry',
  JUMP_STRUCT_SIZE: 'jump_entry',
  ORC_STRUCT_SIZE: 'orc_entry',
  PARA_STRUCT_SIZE: 'paravirt_patch_site',
  PRINTK_INDEX_STRUCT_SIZE: 'pi_entry',
  STATIC_CALL_STRUCT_SIZE: 'static_call_site',
};

function tableSizes({ btf }: KernelProfile): Record<string, string> {
  const sizes: Record<string, string> = {};
  for (const [name, struct] of Object.entries(tables)) {
    const found = btf.struct(struct);
    if (found) sizes[name] = String(found.sizeBytes);
  }
  return sizes;
}

/** The verdict on a fix: the worst of its objects', where "made" of one and "no change" of another is "made". */
function worst(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ['crashed', 'error', 'refused', 'made', 'no-change'];
  return order.find((one) => verdicts.includes(one)) ?? 'no-change';
}

/** Runs the tool on each object of a fix. */
export async function askYardstick(
  program: string,
  profile: KernelProfile,
  objects: readonly BuiltObject[],
): Promise<YardstickOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-yardstick-'));
  try {
    const verdicts: Verdict[] = [];
    const said: string[] = [];
    for (const object of objects) {
      const { verdict, words } = await askOf(program, profile, object, folder);
      verdicts.push(verdict);
      if (words !== '') said.push(`${object.path}: ${words}`);
    }
    return { verdict: worst(verdicts), said };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function askOf(
  program: string,
  profile: KernelProfile,
  object: BuiltObject,
  folder: string,
): Promise<{ verdict: Verdict; words: string }> {
  const place = async (side: string, bytes: Uint8Array): Promise<string> => {
    const path = join(folder, side, object.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    // The tool knows DWARF, which a vendor's build has, and not the types that ours has in its place.
    await run('objcopy', ['--remove-section=.BTF', '--remove-section=.rel*.BTF*', path], {
      env: environment,
      timeoutMs: 30_000,
    });
    return path;
  };
  const original = await place('orig', object.original);
  const patched = await place('patched', object.patched);
  const symtab = join(folder, 'symtab');
  await writeFile(symtab, symbolTable(profile, object));
  const args = [original, patched, object.owner, symtab, join(profile.folder, 'Module.symvers')];
  try {
    const env = { ...environment, ...tableSizes(profile) };
    await run(program, [...args, 'livepatch_yardstick', join(folder, 'out.o')], {
      env,
      cwd: folder,
      timeoutMs: 60_000,
    });
    return { verdict: 'made', words: '' };
  } catch (error) {
    if (!(error instanceof ProcessError) || error.code === 'program-not-found') throw error;
    const verdict = (error.exitCode === undefined ? undefined : exits[error.exitCode]) ?? 'crashed';
    return { verdict, words: verdict === 'no-change' ? '' : lastWords(error.stderr) };
  }
}

function lastWords(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-6).join(' | ').slice(0, 600);
}

/**
 * What the tool wants: the symbols of the image as readelf prints them, those of a source file behind its name. kallsyms has no
 * file names, so the object's own file is put together from its local symbols, and all global symbols stand before it.
 */
function symbolTable(profile: KernelProfile, { owner, original }: BuiltObject): string {
  const elf = readElf(original);
  const lines: string[] = [];
  const add = (name: string, address: bigint, type: string, bind: string, size: number): void => {
    const index = type === 'FILE' ? 'ABS' : '1';
    lines.push(
      `${lines.length}: ${address.toString(16).padStart(16, '0')} ${size} ${type} ${bind} DEFAULT ${index} ${name}`,
    );
  };
  const locals = elf.symbols.filter(
    ({ binding, type, name }) => binding === SymbolBinding.LOCAL && name !== '' && isNamed(type),
  );
  for (const symbol of elf.symbols) if (symbol.type === SymbolType.FILE) add(symbol.name, 0n, 'FILE', 'LOCAL', 0);
  for (const symbol of locals) {
    add(symbol.name, addressOf(profile, owner, symbol), letter(symbol), 'LOCAL', symbol.sizeBytes);
  }
  add('splicecast-globals.c', 0n, 'FILE', 'LOCAL', 0);
  if (owner === 'vmlinux') {
    for (const { name, address, type } of profile.symbolsByAddress()) {
      if (type === type.toUpperCase()) add(name, address, /[TW]/.test(type) ? 'FUNC' : 'OBJECT', 'GLOBAL', 0);
    }
  } else {
    const module: ElfFile | undefined = profile.module(owner);
    for (const symbol of module?.symbols ?? []) {
      if (symbol.binding === SymbolBinding.LOCAL || symbol.sectionIndex === 0 || !isNamed(symbol.type)) continue;
      add(symbol.name, symbol.value, letter(symbol), 'GLOBAL', symbol.sizeBytes);
    }
  }
  return `${lines.join('\n')}\n`;
}

function isNamed(type: number): boolean {
  return type === SymbolType.FUNC || type === SymbolType.OBJECT;
}

function letter({ type }: ElfSymbol): 'FUNC' | 'OBJECT' {
  return type === SymbolType.FUNC ? 'FUNC' : 'OBJECT';
}

function addressOf(profile: KernelProfile, owner: string, { name, value }: ElfSymbol): bigint {
  const found = owner === 'vmlinux' ? profile.symbols(name) : (profile.moduleSymbols(owner, name) ?? []);
  return found[0]?.address ?? value;
}
