export type LoaderErrorCode =
  /** The kernel has no live patching (CONFIG_LIVEPATCH), or /sys isn't mounted. */
  | 'unsupported-kernel'
  /** insmod or rmmod isn't installed. */
  | 'program-missing'
  /** Not root, or without CAP_SYS_MODULE, or modules_disabled. */
  | 'not-permitted'
  /** Lockdown (as under Secure Boot) takes only signed modules. */
  | 'lockdown'
  /** module.sig_enforce takes only modules signed by a key that the kernel knows. */
  | 'signature-required'
  /** Built for other flags (SMP, preemption …) than this kernel's. */
  | 'wrong-vermagic'
  /** Built for another ABI: its `struct module` isn't this kernel's. */
  | 'wrong-module-layout'
  /** A function that it imports has another prototype in this kernel. */
  | 'wrong-import-version'
  /** This kernel exports no such function. */
  | 'missing-import'
  /** It replaces or refers to a symbol that this kernel doesn't have, or has several times. */
  | 'unknown-symbol'
  | 'malformed-module'
  | 'already-loaded'
  /** It was taken back in this boot, and is of a kind that can't be unloaded: only the next boot takes it in again. */
  | 'stays-loaded'
  /** Another live patch is in transition, or the module is still in use: try again. */
  | 'busy'
  /** insmod failed in a way that isn't in this list. */
  | 'load-failed'
  /** insmod didn't end in time. What it will do is unknown. */
  | 'load-timeout'
  /** Tasks stayed in old functions for too long; the patch was taken back. `tasks` names them. */
  | 'transition-stalled'
  /** Taking back didn't end in time either; the kernel goes on with it. `tasks` names who holds it. */
  | 'reverse-stalled'
  /** What the kernel says it replaced isn't what was to be replaced; the patch was taken back. */
  | 'wrong-functions'
  /** Live patches stayed in force whose place it should have taken; it was taken back. */
  | 'not-replaced'
  | 'not-loaded'
  /** A file of /sys or /proc can't be read, or isn't what it should be. */
  | 'unreadable';

/** A task that a transition waits for: it sleeps in, or never leaves, an old function. */
export interface StalledTask {
  /** Thread id. */
  readonly pid: number;
  /** Its `comm`. */
  readonly name: string;
  /** Innermost function first, as /proc/PID/stack has it; empty where that can't be read. */
  readonly stack: readonly string[];
}

/** The kernel, or what was asked of it, refused. */
export class LoaderError extends Error {
  override readonly name = 'LoaderError';
  constructor(
    readonly code: LoaderErrorCode,
    message: string,
    readonly tasks: readonly StalledTask[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
