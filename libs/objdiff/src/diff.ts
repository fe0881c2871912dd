import type { ObjdiffInput, ObjectDiff } from './outcome.js';

/** Compares one object before and after a fix: read → correlate → compare → select, or refuse with every reason. */
export function diffObjects(input: ObjdiffInput): ObjectDiff {
  throw new Error(`being written: ${input.objectFile}`);
}
