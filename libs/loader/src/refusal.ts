import { LoaderError, type LoaderErrorCode } from './errors.js';

/** How insmod ended. */
export interface InsmodFailure {
  readonly stderr: string;
  readonly exitCode?: number;
}

/** What the kernel's log says of a refusal (kernel/module/main.c, kernel/livepatch/core.c), the more telling first. */
const logRefusals: readonly (readonly [RegExp, LoaderErrorCode])[] = [
  [/version magic '.*' should be '.*'/, 'wrong-vermagic'],
  [/disagrees about version of symbol module_layout/, 'wrong-module-layout'],
  [/disagrees about version of symbol \S+/, 'wrong-import-version'],
  [/no symbol version for \S+/, 'wrong-import-version'],
  [/Unknown symbol \S+/, 'missing-import'],
  [/symbol '.*' not found in symbol table/, 'unknown-symbol'],
  [/symbol '.*' .*unresolvable ambiguity|unresolvable ambiguity/, 'unknown-symbol'],
  [/symbol position .* for symbol '.*' in object/, 'unknown-symbol'],
  [/Lockdown: .*module/, 'lockdown'],
  [/Loading of .*module.* is rejected/, 'signature-required'],
];

/** What insmod says, kmod's and busybox's, where the log is silent. */
const spokenRefusals: readonly (readonly [RegExp, LoaderErrorCode])[] = [
  [/invalid module format|exec format error/i, 'malformed-module'],
  [/unknown symbol in module/i, 'missing-import'],
  [/wrong symbol version/i, 'wrong-import-version'],
  [/file exists/i, 'already-loaded'],
  [/key was rejected|required key not available/i, 'signature-required'],
  [/operation not permitted|permission denied/i, 'not-permitted'],
  [/device or resource busy|resource temporarily unavailable/i, 'busy'],
  [/no such file or directory|not a directory/i, 'malformed-module'],
];

/** Why the kernel didn't take a module: what insmod printed, and what the kernel logged since. */
export function refusalOf(module: string, failure: InsmodFailure, log: readonly string[]): LoaderError {
  const { stderr, exitCode } = failure;
  for (const [pattern, code] of logRefusals) {
    const line = log.find((candidate) => pattern.test(candidate));
    if (line !== undefined) return new LoaderError(code, `the kernel refused ${module}: ${line}`);
  }
  const spoken = stderr.trim().slice(0, 1024) || `insmod ended with ${exitCode ?? 'a signal'}`;
  const code = spokenRefusals.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'load-failed';
  const said = log.filter((line) => line.includes(module) || line.startsWith('livepatch:')).slice(0, 4);
  return new LoaderError(code, [`the kernel refused ${module}: ${spoken}`, ...said].join('; '));
}
