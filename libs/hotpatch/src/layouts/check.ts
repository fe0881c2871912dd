import type { Reason } from '#libs/contracts';
import { KernelImageError, type KernelProfile } from '#libs/kernelimage';
import type { BuiltObject } from '../outcome.js';
import { withAdvice } from '../reason-codes.js';
import { callersInKernel, functionNames } from './callers.js';
import { compareTypes } from './compare.js';
import { unlikeRunning } from './running.js';
import { typesOf } from './types.js';

/**
 * Does the fix leave all that is alive as it was: structures, constants, and how functions are called? And does the source
 * it is built from say of them what the running kernel's own types say?
 */
export function checkTypes(
  profile: KernelProfile,
  objects: readonly BuiltObject[],
): { readonly reasons: readonly Reason[]; readonly notices: readonly Reason[] } {
  const reasons: Reason[] = [];
  const notices: Reason[] = [];
  for (const object of objects) {
    const [before, after] = [typesOf(object.original), typesOf(object.patched)];
    if (!before || !after) {
      const reason = 'the compiler gave no types to compare';
      const advice = 'Use a compiler that knows -gbtf, as gcc 12 does.';
      reasons.push({ code: 'no-types', object: object.path, reason, advice });
      continue;
    }
    const changes = compareTypes(object.path, before, after);
    reasons.push(...changes.reasons, ...changedPrototypes(profile, objects, object, changes.prototypes));
    notices.push(...changes.notices);
    if (object.owner === 'vmlinux') reasons.push(...unlikeRunning(object.path, before, profile.btf));
  }
  return { reasons: eachOnce(reasons), notices: eachOnce(notices) };
}

/** One structure may be in many objects: it is told of once, with the first of them. */
function eachOnce(reasons: readonly Reason[]): readonly Reason[] {
  const seen = new Map<string, Reason>();
  for (const one of reasons) {
    const key = `${one.code}\0${one.symbol ?? one.object}\0${one.reason}`;
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
}

/** A function that is called in another way now must not be called by code that the fix doesn't compile anew. */
function changedPrototypes(
  profile: KernelProfile,
  objects: readonly BuiltObject[],
  object: BuiltObject,
  names: readonly string[],
): readonly Reason[] {
  if (names.length === 0) return [];
  const ours = new Set(
    objects.filter(({ owner }) => owner === object.owner).flatMap(({ original }) => functionNames(original)),
  );
  const advice = 'Leave the function as it is, and add another one that is called in the new way.';
  return names.flatMap((symbol): Reason[] => {
    const because = (reason: string): Reason[] => [
      { code: 'prototype-changed', symbol, object: object.path, reason, advice },
    ];
    if (profile.exportOf(symbol) !== undefined)
      return because('its arguments or its result change, and it is exported: modules call it in the old way');
    const others = [...callersInKernel(profile, object, symbol)].filter((caller) => !ours.has(caller));
    if (others.length === 0) return [];
    return because(`its arguments or its result change, and ${others.slice(0, 5).join(', ')} call it in the old way`);
  });
}

/**
 * The same of one pair of objects, with no kernel at hand: whether structures and constants stay as they were. Objects need not
 * have types; a notice then says that nothing was checked.
 */
export function checkObjectTypes(
  objectFile: string,
  original: Uint8Array,
  patched: Uint8Array,
): { readonly reasons: readonly Reason[]; readonly notices: readonly Reason[] } {
  const reason = 'the objects have no BTF: a structure whose layout changes would not show';
  const notices = [withAdvice({ code: 'types-unknown', object: objectFile, reason })];
  try {
    const [before, after] = [typesOf(original), typesOf(patched)];
    return before && after ? compareTypes(objectFile, before, after) : { reasons: [], notices };
  } catch (error) {
    if (!(error instanceof KernelImageError)) throw error;
    return { reasons: [withAdvice({ code: 'no-types', object: objectFile, reason: error.message })], notices: [] };
  }
}
