/**
 * What is kept in memory for each thing of an object, in bytes: with its twins, its place in maps by name, and what is selected of
 * it. Measured; see `MemoryBudget`.
 */
export const costOf = { section: 300, atom: 450, cut: 48, relocation: 24, entry: 16 } as const;
