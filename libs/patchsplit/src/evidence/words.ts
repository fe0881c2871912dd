/** Words of every second subject, or of every second line of C: they are evidence of nothing. */
export const stopWords: ReadonlySet<string> = new Set(
  (
    'add all and are avoid before being but can check correct don during fix for from handl has improv int into its ' +
    'instead make miss mov new not of off on only open out potential possibl prevent proper properly remov return ' +
    'static struct support the their them this use using unus via void when whil with without would'
  ).split(' '),
);

/** A word without its ending, so that `locking`, `locked` and `locks` are `lock`. */
export function stemOf(word: string): string {
  const stem = word.replace(/(?:ings?|ed|es|s|e)$/, '');
  return stem.length >= 3 ? stem : word;
}

/** The parts of an identifier: `ext4_mb_loadBuddy` → ext4, mb, load, buddy. Lower-case. */
export function partsOf(identifier: string): string[] {
  return identifier
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split('_')
    .filter((part) => part !== '');
}
