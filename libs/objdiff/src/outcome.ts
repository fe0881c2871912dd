import type { Reason } from '#libs/contracts';
import type { TableSizes } from './special/formats.js';
import type { ChangedFunction, KernelReference, Selection } from './select/selection.js';

/** One object file, compiled before and after a fix with -ffunction-sections -fdata-sections. */
export interface ObjdiffInput {
  /** Path of the object in the kernel's build, e.g. `fs/fcntl.o`. */
  readonly objectFile: string;
  /** Where its code lives: `vmlinux`, or a module's name, e.g. `8021q`. */
  readonly owner: string;
  /** ELF64 relocatables, after objtool. */
  readonly original: Uint8Array;
  readonly patched: Uint8Array;
  /** From the kernel's BTF; a table that contradicts them is refused. */
  readonly sizes?: TableSizes;
}

/** Every code a refusal or a notice of this library can have. Closed and stable: programs depend on them. */
export type ReasonCode =
  // the input
  | 'not-an-object'
  | 'other-architecture'
  | 'bundled-sections'
  | 'ambiguous-reference'
  // correlate and compare
  | 'static-local-ambiguous'
  | 'data-changed'
  | 'data-size-changed'
  | 'section-changed'
  | 'init-changed'
  | 'no-fentry'
  | 'noinstr-changed'
  | 'registration-changed'
  // select
  | 'special-section'
  | 'jump-label-key'
  | 'unsupported-relocation'
  | 'old-code-in-flight'
  // emit
  | 'symbol-not-found'
  | 'symbol-ambiguous'
  | 'symbol-conflict'
  | 'module-symbols-unknown'
  | 'namespace-export'
  | 'klp-relocation'
  | 'kernel-layout'
  | 'module-name'
  | 'module-too-large'
  | 'nothing-to-emit'
  // notices: the patch is made all the same
  | 'export-dropped'
  | 'export-removed'
  | 'modinfo-dropped'
  | 'constant-copied'
  | 'annotation-dropped'
  | 'left-out'
  | 'callers-included'
  | 'syscall-converted'
  | 'old-code-runs-on'
  | 'new-code-address'
  | 'constant-handed-on'
  | 'thread-function-changed'
  | 'waits-inside'
  | 'locking-changed'
  | 'key-read'
  | 'module-reload';

export interface NoChange {
  readonly outcome: 'no-change';
  readonly notices: readonly Reason[];
}

export interface RefusedDiff {
  readonly outcome: 'refused';
  /** All of them, in a stable order. */
  readonly reasons: readonly Reason[];
  readonly notices: readonly Reason[];
  /** What had been found changed and new up to then. */
  readonly changed: readonly string[];
  readonly added: readonly string[];
}

export interface ChangedDiff {
  readonly outcome: 'changed';
  /** Functions that get a new body, by the original's name. */
  readonly changed: readonly string[];
  /** Functions and variables that the original doesn't have. */
  readonly added: readonly string[];
  /** What is copied along unchanged because the new code can't be without it (.cold parts, static locals by name …). */
  readonly bundled: readonly string[];
  readonly functions: readonly ChangedFunction[];
  readonly references: readonly KernelReference[];
  readonly notices: readonly Reason[];
  /** For `emitModule`; opaque to others. */
  readonly included: Selection;
}

export type ObjectDiff = NoChange | RefusedDiff | ChangedDiff;
