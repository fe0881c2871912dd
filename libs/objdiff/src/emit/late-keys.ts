import { RelocationType } from '#libs/elf';
import type { Findings } from '../findings.js';
import { type Atom, changedAtom, type Reference, type SpecialEntry } from '../model/atom.js';
import type { Selection } from '../select/selection.js';
import type { KernelSymbols } from './symbols.js';

/**
 * Tables that the kernel works through while it loads a module. A key of the module that is patched can't be named in them: it may come
 * later than the patch.
 */
export const keyTables: ReadonlySet<string> = new Set(['__jump_table', '.static_call_sites']);

/** `cmpl $0, key(%rip); jne target; jmp back`, with `je` for a branch that is taken while its key is off. */
const testSizeBytes = 18;

/** One branch on such a key. */
interface Branch {
  readonly entry: SpecialEntry;
  readonly at: number;
  readonly sizeBytes: number;
  readonly key: Reference;
  readonly target: Reference;
  /** Bit 0 of the key: is it taken while the key is off? (jump_label_type, kernel/jump_label.c) */
  readonly isInverted: boolean;
}

/**
 * Branches and calls by keys that may come later than the patch. Both can do without their tables, with nothing lost:
 * - A branch jumps to a test behind its function, which reads the key (`static_key_count(key) != 0` is what decides whether the kernel
 *   patches it). The test spoils nothing but flags, and compilers take every asm statement on x86 to spoil those.
 * - A static call without an entry goes through its trampoline, which the kernel keeps up to date as well
 *   (arch_static_call_transform, arch/x86/kernel/static_call.c).
 */
export class LateKeys {
  private readonly brought: ReadonlySet<string>;
  private readonly copied: ReadonlySet<Atom>;

  constructor(
    diffs: readonly Selection[],
    private readonly kernel: KernelSymbols,
    private readonly findings: Findings,
  ) {
    const data = diffs.flatMap((diff) => diff.data);
    this.copied = new Set(data);
    this.brought = new Set(
      data.filter(({ global }) => global).flatMap(({ symbols }) => symbols.map(({ name }) => name)),
    );
  }

  /** The code of a function as it goes into the module: itself, where it has no such branches. */
  codeOf(diff: Selection, atom: Atom): Atom {
    const special = [...atom.special];
    const late = special.filter((entry) => this.isLate(diff, entry));
    if (late.length === 0) return atom;
    const entries = late.filter(({ section }) => section === '__jump_table');
    const branches = entries.flatMap((entry) => branchOf(atom, entry) ?? []);
    // A short branch reaches no farther than 127 bytes: theirs come first.
    branches.sort((a, b) => a.sizeBytes - b.sizeBytes || a.at - b.at);
    const far = branches.some(({ at, sizeBytes }, i) => sizeBytes === 2 && testAt(atom, i) - at - 2 > 127);
    // They stay, and are refused like any other table's entry.
    if (far || branches.length < entries.length) return atom;
    const names = [...new Set(late.flatMap(({ references: [, ...others] }) => others.flatMap(nameOf)))].join(', ');
    this.findings.notice({
      code: 'key-read',
      symbol: atom.name,
      reason: `reads ${names} of ${diff.owner} each time, where the kernel would rewrite its code`,
    });
    return rewritten(changedAtom(atom, { special }), branches, new Set(late));
  }

  private isLate(diff: Selection, { section, references }: SpecialEntry): boolean {
    if (diff.owner === 'vmlinux' || !keyTables.has(section)) return false;
    const target = references.at(-1)?.target;
    if (target?.kind === 'atom') return target.atom.kind === 'data' && !this.copied.has(target.atom);
    if (target?.kind !== 'external' || this.brought.has(target.name)) return false;
    const { owner, objectFile } = diff;
    const found = this.kernel.resolve({ name: target.name, owner, objectFile, scope: 'elsewhere' });
    return found?.kind === 'klp' && found.owner !== 'vmlinux';
  }
}

function nameOf({ target }: Reference): readonly string[] {
  if (target.kind === 'external') return [target.name];
  return target.kind === 'atom' && target.atom.kind === 'data' ? [target.atom.name] : [];
}

/** Undefined if it isn't as the kernels do it that are known here. */
function branchOf({ bytes }: Atom, entry: SpecialEntry): Branch | undefined {
  const [, target, key] = entry.references;
  const { codeOffset: at } = entry;
  const sizeBytes = branchSize(bytes.subarray(at, at + 5));
  if (entry.bytes.length !== 16 || !target || !key || sizeBytes === undefined) return undefined;
  return { entry, at, sizeBytes, key, target, isInverted: (key.addend & 1) === 1 };
}

/** A jump, or the nop that objtool or the assembler has put in its place. */
function branchSize(code: Uint8Array): number | undefined {
  const text = Buffer.from(code).toString('hex');
  if (text.startsWith('0f1f440000') || text.startsWith('e9')) return 5;
  return text.startsWith('6690') || text.startsWith('eb') ? 2 : undefined;
}

function testAt({ sizeBytes }: Atom, index: number): number {
  return sizeBytes + index * testSizeBytes;
}

function rewritten(atom: Atom, branches: readonly Branch[], late: ReadonlySet<SpecialEntry>): Atom {
  const sizeBytes = testAt(atom, branches.length);
  const bytes = Buffer.alloc(sizeBytes);
  bytes.set(atom.bytes);
  const isReplaced = ({ at }: Reference): boolean =>
    branches.some((branch) => at >= branch.at && at < branch.at + branch.sizeBytes);
  const references = atom.references.filter((reference) => !isReplaced(reference));
  for (const [index, branch] of branches.entries()) {
    const start = testAt(atom, index);
    const back = branch.at + branch.sizeBytes;
    if (branch.sizeBytes === 2) bytes.set([0xeb, start - back], branch.at);
    else {
      bytes[branch.at] = 0xe9;
      bytes.writeInt32LE(start - back, branch.at + 1);
    }
    bytes.set([0x83, 0x3d, 0, 0, 0, 0, 0, 0x0f, branch.isInverted ? 0x84 : 0x85, 0, 0, 0, 0, 0xe9], start);
    bytes.writeInt32LE(back - (start + testSizeBytes), start + 14);
    const { key, target } = branch;
    const type = RelocationType.PC32;
    // The last two bits of a key are flags; both fields count from their instruction's end.
    references.push({ at: start + 2, type, target: key.target, addend: key.addend - (key.addend & 3) - 5 });
    references.push({ at: start + 9, type, target: target.target, addend: target.addend - 4 });
  }
  const special = [...withoutEnd(atom, late), ...unwindOf(atom, branches)];
  return changedAtom(atom, { bytes, sizeBytes, references, special });
}

/** What stays of the tables; where unwinding data ends is no longer the end. */
function withoutEnd({ special, sizeBytes }: Atom, late: ReadonlySet<SpecialEntry>): readonly SpecialEntry[] {
  return special.filter((entry) => !late.has(entry) && (entry.unwind === undefined || entry.codeOffset < sizeBytes));
}

/** A test has the stack of the branch that leads to it. */
function unwindOf(atom: Atom, branches: readonly Branch[]): readonly SpecialEntry[] {
  const known = atom.special.filter(({ unwind }) => unwind !== undefined);
  const governing = (offset: number): SpecialEntry | undefined =>
    known
      .filter(({ codeOffset }) => codeOffset <= offset)
      .reduce<SpecialEntry | undefined>(
        (last, one) => (last && last.codeOffset > one.codeOffset ? last : one),
        undefined,
      );
  const end = known.find(({ codeOffset }) => codeOffset >= atom.sizeBytes);
  return [
    ...branches.flatMap((branch, index) => movedTo(governing(branch.at), testAt(atom, index))),
    ...movedTo(end, testAt(atom, branches.length)),
  ];
}

function movedTo(entry: SpecialEntry | undefined, codeOffset: number): readonly SpecialEntry[] {
  if (entry === undefined) return [];
  const references = entry.references.map((reference) => ({ ...reference, addend: codeOffset }));
  const { section, bytes, unwind } = entry;
  return [{ section, codeOffset, bytes, references, ...(unwind && { unwind }) }];
}
