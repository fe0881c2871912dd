import { RelocationType, SectionFlag, SectionType } from '#libs/elf';
import type { Findings } from '../findings.js';
import type { Atom, Reference, SpecialEntry } from '../model/atom.js';
import { formatOf, specialFormats } from '../special/formats.js';
import type { Included, Layout } from './code.js';
import { keyTables } from './late-keys.js';
import { OutputSection } from './output.js';
import type { ReferenceResolver } from './resolver.js';

/** Copies the special sections' entries that describe included code. */
export class SpecialTables {
  readonly sections: readonly OutputSection[];
  private readonly byName = new Map<string, OutputSection>();
  private readonly replacements = new OutputSection(
    '.altinstr_replacement',
    SectionType.PROGBITS,
    SectionFlag.ALLOC | SectionFlag.EXECINSTR,
  );
  private readonly unwind = new OutputSection('.orc_unwind', SectionType.PROGBITS, SectionFlag.ALLOC);

  constructor(
    layout: Layout,
    private readonly resolver: ReferenceResolver,
    private readonly findings: Findings,
  ) {
    for (const { section, writable } of specialFormats) {
      const flags = SectionFlag.ALLOC | (writable === true ? SectionFlag.WRITE : 0);
      this.byName.set(section, new OutputSection(section, SectionType.PROGBITS, flags));
    }
    for (const included of layout.included) for (const entry of included.code.special) this.copy(included, entry);
    this.sections = [...this.byName.values(), this.replacements, this.unwind];
  }

  private copy(from: Included, entry: SpecialEntry): void {
    const section = this.byName.get(entry.section);
    const format = formatOf(entry.section);
    if (section === undefined || format === undefined) return;
    const start = section.append(entry.bytes, format.align);
    for (const reference of entry.references) this.relocate(from, section, start, reference);
    if (entry.unwind !== undefined) this.unwind.append(entry.unwind, 2);
    if (entry.replacement !== undefined) this.copyReplacement(from, section, start, entry.replacement);
  }

  private copyReplacement(
    from: Included,
    table: OutputSection,
    start: number,
    replacement: NonNullable<SpecialEntry['replacement']>,
  ): void {
    const at = this.replacements.append(replacement.bytes);
    table.relocations.push({
      offset: start + 4,
      type: RelocationType.PC32,
      target: { kind: 'place', place: { section: this.replacements, offset: at } },
      addend: 0,
      owner: from.diff.owner,
    });
    for (const reference of replacement.references) this.relocate(from, this.replacements, at, reference);
  }

  private relocate({ diff, atom }: Included, section: OutputSection, start: number, reference: Reference): void {
    const settled = this.resolver.settle(diff, undefined, reference);
    if (settled === undefined) return;
    const { target, addend } = settled;
    if (target.kind === 'klp' && target.owner !== 'vmlinux') {
      this.refuse(atom, section.name, target.name, target.owner);
      return;
    }
    section.relocations.push({ offset: start + reference.at, type: reference.type, target, addend, owner: diff.owner });
  }

  private refuse(atom: Atom, section: string, symbol: string, module: string): void {
    this.findings.refuse({
      code: keyTables.has(section) ? 'jump-label-key' : 'klp-relocation',
      symbol: atom.name,
      reason: `${section} refers to ${symbol} of ${module}, which may come later than the patch`,
      advice: keyTables.has(section) ? 'Use static_key_enabled() in the new code instead of a jump label.' : undefined,
    });
  }
}

/** Is the field at that offset of the code one that an alternative may write over at load? */
export function isInAlternative(atom: Atom, at: number): boolean {
  return atom.special.some(
    ({ section, codeOffset, replaces }) =>
      section === '.altinstructions' && at >= codeOffset && at < codeOffset + (replaces ?? 0),
  );
}
