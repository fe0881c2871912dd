import type { BtfStruct } from '#libs/kernelimage';
import type { PlacedMember, Shapes } from './shapes.js';

/** How two layouts of one structure differ. `breaks`: objects that are alive would be misread. */
export interface Difference {
  readonly breaks: boolean;
  readonly what: string;
}

/** A structure in the types that it is from. */
export interface Typed {
  readonly shapes: Shapes;
  readonly struct: BtfStruct;
}

const maxDepth = 24;

function breaks(what: string): Difference {
  return { breaks: true, what };
}

/** The first difference that breaks, or else the first that only changes names or types of the same form. */
export function differenceOf(before: Typed, after: Typed, depth = 0): Difference | undefined {
  const sizes = [before.struct.sizeBytes, after.struct.sizeBytes] as const;
  if (sizes[0] !== sizes[1]) return breaks(`its size changes from ${sizes[0]} to ${sizes[1]} bytes`);
  const [old, now] = [before.shapes.members(before.struct), after.shapes.members(after.struct)];
  const added = new Map([...now].filter(([name]) => !old.has(name)));
  let harmless: Difference | undefined;
  for (const [name, member] of old) {
    const kept = now.get(name);
    const change =
      kept === undefined
        ? renamed(name, member, added, before, after)
        : changed(name, member, kept, before, after, depth);
    if (change?.breaks === true) return change;
    harmless ??= change;
  }
  const [extra] = added.keys();
  return extra === undefined ? harmless : breaks(`it gets a member ${extra}`);
}

function changed(
  name: string,
  old: PlacedMember,
  now: PlacedMember,
  before: Typed,
  after: Typed,
  depth: number,
): Difference | undefined {
  if (old.place !== now.place) return { breaks: true, what: `its member ${name} moves` };
  return typeDifference(`its member ${name}`, [before.shapes, old.typeId], [after.shapes, now.typeId], depth);
}

/** How the types of one and the same thing differ; a structure without a name has nothing but its members to go by. */
export function typeDifference(
  what: string,
  [shapes, old]: readonly [Shapes, number],
  [newShapes, now]: readonly [Shapes, number],
  depth = 0,
): Difference | undefined {
  if (shapes.named(old) === newShapes.named(now)) return undefined;
  const [inner, newInner] = [shapes.anonymous(old), newShapes.anonymous(now)];
  if (inner !== undefined && newInner !== undefined && depth < maxDepth) {
    const within = differenceOf({ shapes, struct: inner }, { shapes: newShapes, struct: newInner }, depth + 1);
    if (within !== undefined) return { ...within, what: `in ${what.replace(/^its /, '')}, ${within.what}` };
  }
  return shapes.deep(old) === newShapes.deep(now)
    ? { breaks: false, what: `${what} becomes another type of the same form` }
    : { breaks: true, what: `${what} becomes another type` };
}

/** One member went and another of the same form came to its place: only the name is new. Takes that out of what was added. */
function renamed(
  name: string,
  old: PlacedMember,
  added: Map<string, PlacedMember>,
  before: Typed,
  after: Typed,
): Difference {
  const shape = before.shapes.named(old.typeId);
  for (const [other, member] of added) {
    if (member.place !== old.place || after.shapes.named(member.typeId) !== shape) continue;
    added.delete(other);
    return { breaks: false, what: `its member ${name} is now called ${other}` };
  }
  return { breaks: true, what: `its member ${name} goes away` };
}
