export { ObjectBuilder } from './builder.js';
export type { NewRelocation, NewSection, NewSymbol, SectionHandle, SymbolHandle } from './parts.js';
export {
  ElfType,
  RelocationType,
  relocationWidth,
  SectionFlag,
  SectionIndex,
  SectionType,
  SymbolBinding,
  SymbolType,
} from './constants.js';
export { ElfError } from './errors.js';
export type { ElfErrorCode } from './errors.js';
export { readElf, relocationsBySection, sectionNamed } from './file.js';
export type { ElfFile } from './file.js';
export type { ElfHeader } from './header.js';
export { noteBytes, readNotes } from './note.js';
export type { ElfNote } from './note.js';
export { MemoryBudget } from './memory-budget.js';
export { byOffset, readRelocations } from './relocation.js';
export type { ElfRelocation } from './relocation.js';
export type { ElfSection } from './section.js';
export { stringAt } from './string-table.js';
export type { ElfSymbol } from './symbol.js';
export { SymbolNames } from './symbol-names.js';
export { type List, Table } from './table.js';
