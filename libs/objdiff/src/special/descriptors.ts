import type { Atom } from '../model/atom.js';
import { sourceName } from '../model/names.js';
import type { TableSizes, TableStruct } from './formats.js';
import type { SpecialProblem } from './read.js';

/** Checks the variables that tables are made of (pr_debug's descriptors, the printk index) against the kernel's sizes. */
export function checkDescriptors(atoms: readonly Atom[], sizes: TableSizes): SpecialProblem[] {
  return atoms.flatMap((atom) => {
    const struct = structOf(atom);
    const known = struct && sizes[struct];
    const [symbol] = atom.symbols;
    if (known === undefined || symbol === undefined || symbol.sizeBytes === known) return [];
    const problem = `${atom.name} has ${symbol.sizeBytes} bytes, but the kernel's struct ${struct} has ${known}`;
    return [{ section: atom.section.name, problem }];
  });
}

function structOf(atom: Atom): TableStruct | undefined {
  if (atom.role === 'dyndbg') return '_ddebug';
  return atom.role === 'readonly' && /(?:^|\.)_entry$/.test(sourceName(atom.name)) ? 'pi_entry' : undefined;
}
