import type { Reason } from '#libs/contracts';
import { differenceOf, typeDifference } from './difference.js';
import type { ObjectTypes } from './types.js';

/** What a fix does to the types of an object. */
export interface TypeChanges {
  readonly reasons: readonly Reason[];
  readonly notices: readonly Reason[];
  /** Functions that other files may call, and whose arguments or result are passed in another way now. */
  readonly prototypes: readonly string[];
}

/**
 * Structures whose layout the fix changes, and constants whose values it moves. Objects of them are alive in the running
 * kernel, made by code that isn't replaced: new code would read and write past or beside them. That shows in no function's
 * bytes, so it is asked of the types.
 */
export function compareTypes(objectFile: string, before: ObjectTypes, after: ObjectTypes): TypeChanges {
  const reasons: Reason[] = [];
  const notices: Reason[] = [];
  for (const [symbol, struct] of before.structs) {
    const now = after.structs.get(symbol);
    if (now === undefined) continue;
    const difference = differenceOf({ shapes: before.shapes, struct }, { shapes: after.shapes, struct: now });
    if (difference?.breaks === true) reasons.push(layoutChanged(symbol, objectFile, difference.what));
    else if (difference !== undefined)
      notices.push({ code: 'layout-renamed', symbol, object: objectFile, reason: difference.what });
  }
  const changedStructs = reasons.map(({ symbol }) => `${symbol}:`);
  for (const [symbol, type] of before.variables) {
    const now = after.variables.get(symbol);
    // Of a structure with a name it has been said.
    const isKnown = (shape: string): boolean => changedStructs.some((name) => shape.includes(name));
    if (now === undefined || isKnown(before.shapes.named(type))) continue;
    // Tables may grow: whether theirs can is for the object to tell.
    const elements = [before.shapes.element(type), after.shapes.element(now)] as const;
    const difference = typeDifference('the variable', [before.shapes, elements[0]], [after.shapes, elements[1]]);
    if (difference?.breaks === true) reasons.push(layoutChanged(symbol, objectFile, difference.what));
  }
  compareEnumerators(objectFile, before, after, reasons, notices);
  const prototypes = [...before.functions].filter(([name, type]) => {
    const now = after.functions.get(name);
    return now !== undefined && !sameCall(before.shapes.named(type), after.shapes.named(now));
  });
  return { reasons, notices, prototypes: prototypes.map(([name]) => name) };
}

/** Is a function called as ever? Who took nothing back goes on ignoring what comes back now. */
function sameCall(old: string, now: string): boolean {
  return old === now || (old.endsWith(')void') && now.startsWith(old.slice(0, -'void'.length)));
}

function layoutChanged(symbol: string, object: string, reason: string): Reason {
  return {
    code: 'layout-changed',
    symbol,
    object,
    reason,
    advice: 'Keep the new data beside the structure instead (a shadow variable), or reboot for this fix.',
  };
}

/** `NR_CPUHP_STATES`, `__NFTA_SET_MAX`: says how many there are. */
const isCount = /(?:^|_)(?:MAX|LAST|END|NR|NUM|COUNT|SIZE|LEN|N)(?:_|$|S$)/i;

/** A value of a constant that moves is another meaning of the same number in all that is alive, and in user space. */
function compareEnumerators(
  object: string,
  before: ObjectTypes,
  after: ObjectTypes,
  reasons: Reason[],
  notices: Reason[],
): void {
  for (const [symbol, old] of before.enumerators) {
    const now = after.enumerators.get(symbol);
    if (now === undefined || now === old) continue;
    const reason = `its value was ${old} and is ${now}`;
    if (isCount.test(symbol) && now > old)
      notices.push({
        code: 'enum-grown',
        symbol,
        object,
        reason: `${reason}: what the kernel sized by it stays as it is`,
      });
    else
      reasons.push({
        code: 'enum-changed',
        symbol,
        object,
        reason: `${reason}, but the running kernel has data and code that go by the old`,
        advice: 'Give the new constant a value that is free, so that the others keep theirs.',
      });
  }
}
