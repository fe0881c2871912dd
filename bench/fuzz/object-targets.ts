import { ElfError, readElf, readNotes, relocationsBySection, SectionType } from '#libs/elf';
import { elfFields } from '#libs/hostile';
import { checkObjectTypes } from '#libs/hotpatch';
import { KernelImageError } from '#libs/kernelimage';
import { diffObjects, emitModule, type KernelView } from '#libs/objdiff';
import { matchAgainst, runningModule } from '#libs/runpre';
import { readModinfo } from '../../apps/agent/src/domain/modinfo.js';
import { elfCodes, kernelImageCodes } from './error-codes.js';
import type { Objects } from './objects.js';
import { type Target, typedBy } from './target.js';

const isElfError = typedBy([ElfError, elfCodes]);

/** Knows every symbol, so that whatever is left of an object gets as far as into a module. */
const knowingKernel: KernelView = {
  release: '9.8.7-test',
  buildId: '0123456789abcdef',
  vermagic: '9.8.7-test SMP ',
  symbols: () => [
    { address: 4096n, type: 'T' },
    { address: 8192n, type: 't' },
  ],
  moduleSymbols: () => [{ address: 4096n, type: 't' }],
  exportOf: (name) => ({ crc: name.length, owner: 'vmlinux' }),
  sizeOf: (struct) => ({ klp_func: 152, klp_object: 168, klp_patch: 200, module: 896 })[struct],
  offsetOf: (_struct, member) =>
    ({ old_name: 0, new_func: 8, old_sympos: 16, funcs: 8, objs: 8, replace: 24 })[member] ?? 0,
  sympos: () => 2,
};

function difference(original: Uint8Array, patched: Uint8Array, owner: string): void {
  const found = diffObjects({ objectFile: 'unit.o', owner, original, patched });
  if (found.outcome !== 'changed') return;
  const emitted = emitModule({ name: 'fix', kernel: knowingKernel, diffs: [found.included], replace: false });
  if (emitted.outcome === 'emitted') readElf(emitted.bytes);
}

/** All that reads objects and modules. */
export function objectTargets({ original, patched, linked }: Objects): readonly Target[] {
  const common = { fields: elfFields, isTyped: isElfError };
  const elf: Target = {
    ...common,
    name: 'elf',
    seeds: [original, linked],
    run(input) {
      const file = readElf(input);
      for (const { type, data } of file.sections) if (type === SectionType.NOTE) readNotes(data);
      relocationsBySection(file);
    },
  };
  const objdiff: Target = {
    ...common,
    name: 'objdiff',
    seeds: [patched],
    run(input) {
      for (const owner of ['vmlinux', 'unit']) {
        difference(original, input, owner);
        difference(input, original, owner);
      }
      difference(input, input, 'vmlinux');
    },
    // It refuses; it throws nothing at all.
    isTyped: () => false,
  };
  const runpre: Target = {
    ...common,
    name: 'runpre',
    seeds: [original, linked],
    run(input) {
      matchAgainst(original, runningModule(readElf(input)));
      matchAgainst(input, runningModule(readElf(linked)));
      matchAgainst(input, runningModule(readElf(input)));
    },
  };
  const types: Target = {
    ...common,
    name: 'types',
    seeds: [patched],
    run(input) {
      checkObjectTypes('unit.o', original, input);
      checkObjectTypes('unit.o', input, original);
    },
    isTyped: typedBy([ElfError, elfCodes], [KernelImageError, kernelImageCodes]),
  };
  const modinfo: Target = { ...common, name: 'modinfo', seeds: [linked], run: (input) => readModinfo(input) };
  return [elf, objdiff, runpre, types, modinfo];
}
