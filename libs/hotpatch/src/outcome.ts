import type { Reason } from '#libs/contracts';
import type { CompiledObject, SourceTree } from '#libs/kbuild';
import type { KernelProfile } from '#libs/kernelimage';
import type { PatchedSymbol } from '#libs/objdiff';
import type { BroughtCommit } from './dependencies/series.js';

/** One file that a fix changes. */
export interface FileChange {
  readonly path: string;
  readonly kind: 'modified' | 'added' | 'deleted';
}

export type BuildStage = 'apply' | 'compile' | 'match' | 'diff' | 'emit';

/** A fix that has been applied: the source before, the source after, and what differs. */
export interface FixSource {
  readonly base: SourceTree;
  readonly patched: SourceTree;
  readonly changes: readonly FileChange[];
}

export interface BuildRequest {
  readonly profile: KernelProfile;
  readonly fix: FixSource;
  /** `[a-z0-9_]{1,55}` */
  readonly moduleName: string;
  /** Takes the place of all earlier live patches. */
  readonly replace: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  /** Objects of the source before, by path: those in it aren't compiled again, those that are made are added. */
  readonly originals?: Map<string, CompiledObject>;
  /** How many fixes are built as one, so many times more objects may be reached; 1 by default. */
  readonly fixes?: number;
  readonly onProgress?: (stage: BuildStage, what: string) => void;
}

/** One object, compiled before and after the fix. */
export interface BuiltObject {
  /** `fs/fcntl.o` */
  readonly path: string;
  /** `vmlinux`, or the module's name. */
  readonly owner: string;
  readonly original: Buffer;
  readonly patched: Buffer;
}

export interface Refusal {
  readonly outcome: 'refused';
  readonly stage: BuildStage;
  /** All of them. */
  readonly reasons: readonly Reason[];
  /** Functions to be replaced that aren't what the vendor ships. */
  readonly mismatches: readonly Reason[];
  readonly objects: readonly BuiltObject[];
  readonly brings?: readonly BroughtCommit[];
}

export interface HotPatch {
  readonly outcome: 'built';
  readonly module: { readonly name: string; readonly bytes: Uint8Array };
  readonly functions: readonly PatchedSymbol[];
  readonly runPre: { readonly matched: number; readonly checked: number };
  readonly warnings: readonly Reason[];
  readonly objects: readonly BuiltObject[];
  /** Commits of the series that came along, in its order. */
  readonly brings?: readonly BroughtCommit[];
}

export type BuildOutcome = HotPatch | Refusal;
