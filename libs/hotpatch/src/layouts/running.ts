import type { Reason } from '#libs/contracts';
import type { Btf } from '#libs/kernelimage';
import { differenceOf } from './difference.js';
import { Shapes } from './shapes.js';
import type { ObjectTypes } from './types.js';

const shapesOf = new WeakMap<Btf, Shapes>();

/**
 * Structures that the unchanged source lays out otherwise than the running kernel has them: then it isn't the source, or not
 * the configuration, that the kernel was built from. Several files may have their own structures of one name; one equal
 * suffices. Only for objects of vmlinux: its BTF doesn't tell what is private to a module.
 */
export function unlikeRunning(objectFile: string, types: ObjectTypes, running: Btf): readonly Reason[] {
  const shapes = shapesOf.get(running) ?? new Shapes(running);
  shapesOf.set(running, shapes);
  const reasons: Reason[] = [];
  for (const [symbol, struct] of types.structs) {
    const known = struct.name === '' ? [] : running.structsNamed(struct.name);
    const differences = known.map((one) => differenceOf({ shapes, struct: one }, { shapes: types.shapes, struct }));
    const [first] = differences;
    if (first === undefined || differences.some((difference) => difference?.breaks !== true)) continue;
    reasons.push({
      code: 'types-not-of-kernel',
      symbol,
      object: objectFile,
      reason: `from the running kernel's to the compiled source's, ${first.what}`,
      advice: 'Build from the very source package that this kernel was built from.',
    });
  }
  return reasons;
}
