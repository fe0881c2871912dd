import type { Twins } from '../correlate/twins.js';
import type { Atom } from '../model/atom.js';
import type { InFlight } from './in-flight.js';

/** A function of the original that the new code takes the place of. */
export interface ChangedFunction {
  /** The original's own name: what kallsyms and the livepatch loader know it by. */
  readonly symbol: string;
  /** SHA-256 (hex) over its code, relocated fields as the compiler left them. */
  readonly oldSha256: string;
  readonly newSha256: string;
  /** Size of the new code. */
  readonly sizeBytes: number;
}

/** A symbol that the new code needs and doesn't bring. */
export interface KernelReference {
  readonly symbol: string;
  /** Defined in this very object file (its sympos is looked up there); otherwise undefined in it, so global elsewhere. */
  readonly definedHere: boolean;
}

/** A function that takes the place of one in the kernel. */
export interface Replacement {
  readonly atom: Atom;
  readonly original: Atom;
  readonly summary: ChangedFunction;
}

/** What of one patched object goes into the module. Opaque outside this library. */
export interface Selection {
  readonly objectFile: string;
  readonly owner: string;
  readonly replacements: readonly Replacement[];
  /** New functions and cold parts. */
  readonly addedFunctions: readonly Atom[];
  /** New variables and copies. */
  readonly data: readonly Atom[];
  /** Old code that may still run when the kernel thinks every task out of it. */
  readonly inFlight: readonly InFlight[];
  /** Does the kernel perhaps keep an address of new code or data? Then the module must not be unloaded. */
  readonly staysLoaded: boolean;
  /** How to name what isn't included: as the original's twin. */
  readonly twins: Pick<Twins, 'originalOf'>;
}
