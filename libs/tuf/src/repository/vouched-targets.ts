import { TufError } from '../errors.js';
import { asInteger, type JsonObject } from '../metadata/json.js';
import { checkComponent } from './layout.js';

/** A file that a role is to vouch for. */
export interface NewTarget {
  /** The last component of its path; `recall/` or `debian-x86_64/6.1.0-54-amd64/` comes before it. */
  readonly name: string;
  readonly length: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Bundles that a kernel release is to vouch for besides those that it has. */
export interface ReleaseAddition {
  readonly channel: string;
  readonly release: string;
  readonly bundles: readonly NewTarget[];
  /** Names of targets that may go where room is needed: what was withdrawn. */
  readonly expendable?: readonly string[];
}

/** Targets as metadata carries them, by path. @throws TufError `invalid-name`. */
export function targetsOf(role: string, targets: readonly NewTarget[]): JsonObject {
  const entries = targets.map(({ name, length, sha256 }) => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TufError('invalid-name', `${sha256} is no SHA-256`);
    return [`${role}/${checkComponent(name)}`, { length: asInteger(length, 'length', 0), hashes: { sha256 } }] as const;
  });
  return Object.fromEntries(entries);
}

/** A release's targets and what is added to them; where there is no room, what is expendable goes. @throws TufError `role-full`. */
export function enlarged(
  role: string,
  before: JsonObject,
  { bundles, expendable = [] }: ReleaseAddition,
  max: number,
): JsonObject {
  const targets = { ...before, ...targetsOf(role, bundles) };
  const excess = Object.keys(targets).length - max;
  if (excess <= 0) return targets;
  const kept = new Set(bundles.map(({ name }) => name));
  const dropped = expendable
    .filter((name) => !kept.has(name))
    .map((name) => `${role}/${name}`)
    .filter((path) => Object.hasOwn(targets, path));
  if (dropped.length < excess) throw new TufError('role-full', `${role} may vouch for ${max} bundles and no more`);
  const gone = new Set(dropped.slice(0, excess));
  return Object.fromEntries(Object.entries(targets).filter(([path]) => !gone.has(path)));
}
