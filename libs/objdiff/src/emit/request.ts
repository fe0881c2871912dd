import type { Reason } from '#libs/contracts';
import type { KernelView } from '../kernel-view.js';
import type { Selection } from '../select/selection.js';

export interface EmitRequest {
  /** The module's own name, `[a-z0-9_]{1,55}`: its folder below /sys/kernel/livepatch. */
  readonly name: string;
  readonly kernel: KernelView;
  /** `included` of each changed object of the fix: they become one module and may refer to each other's new symbols. */
  readonly diffs: readonly Selection[];
  /** true: silently takes the place of every live patch that is loaded (a cumulative level). */
  readonly replace: boolean;
  /** What the module is known by outside, e.g. a fix's or bundle's id: printable ASCII, 1 to 200; `name` by default. */
  readonly id?: string;
  /** Extra `.modinfo` tags, e.g. `{splicecast: '<fix id>'}`; keys `[a-z_]+`, values without NUL. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** A function as the loader will find it: what `manifest.functions` and HotPatchBuilt record. */
export interface PatchedSymbol {
  /** `vmlinux` or the module's name. */
  readonly object: string;
  readonly symbol: string;
  /** 1-based among equal names; 0 = unique. */
  readonly sympos: number;
  readonly objectFile: string;
  readonly oldSha256: string;
  readonly newSha256: string;
  readonly sizeBytes: number;
}

export type EmitOutcome =
  | {
      readonly outcome: 'emitted';
      /** The .ko: the same request gives the same bytes. */
      readonly bytes: Uint8Array;
      readonly functions: readonly PatchedSymbol[];
      /** Modules that must be loaded first (their exports are used). */
      readonly depends: readonly string[];
      /** Can it be unloaded once it has been taken back? If not, it says `stays_loaded=Y` in .modinfo and has no exit function. */
      readonly unloadable: boolean;
      readonly notices: readonly Reason[];
    }
  | { readonly outcome: 'refused'; readonly reasons: readonly Reason[] };
