import { SectionFlag, SectionType } from '#libs/elf';
import { OutputSection, type Place } from './output.js';

/** Strings and mergeable constants of the module, each content once. */
export class Constants {
  readonly strings = new OutputSection(
    '.rodata.str1.1',
    SectionType.PROGBITS,
    SectionFlag.ALLOC | SectionFlag.MERGE | SectionFlag.STRINGS,
    0,
    1,
  );
  readonly fixed = new OutputSection('.rodata.cst', SectionType.PROGBITS, SectionFlag.ALLOC);
  private readonly known = new Map<string, Place>();

  /** `text` is latin1: one character, one byte. */
  string(text: string): Place {
    return this.once(`s${text}`, () => ({
      section: this.strings,
      offset: this.strings.append(Buffer.from(`${text}\0`, 'latin1')),
    }));
  }

  constant(bytes: Uint8Array): Place {
    const align = 2 ** Math.ceil(Math.log2(bytes.length));
    return this.once(`c${Buffer.from(bytes).toString('hex')}`, () => ({
      section: this.fixed,
      offset: this.fixed.append(bytes, align),
    }));
  }

  private once(key: string, make: () => Place): Place {
    const known = this.known.get(key) ?? make();
    this.known.set(key, known);
    return known;
  }
}
