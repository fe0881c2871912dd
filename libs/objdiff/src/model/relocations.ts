import { byOffset, type ElfRelocation, type List, RelocationType, Table } from '#libs/elf';

const none = Table.of<ElfRelocation>(0, () => {
  throw new RangeError('there are none');
});

/** Relocations by where they apply; those that do nothing are left out. */
export function inOrder(relocations: Table<ElfRelocation> = none): Table<ElfRelocation> {
  return byOffset(relocations, ({ type }) => type !== RelocationType.NONE);
}

/** An entry that is known to be there. */
export function entry<T>(table: List<T>, index: number): T {
  const found = table.at(index);
  if (found === undefined) throw new RangeError(`entry ${index} of ${table.length}`);
  return found;
}
