export type GuestErrorCode =
  /** qemu-system-x86_64, busybox or node isn't on this machine. The message has the command that installs it. */
  | 'program-missing'
  /** The kernel, a module or a file for the share isn't where the options say. */
  | 'file-missing'
  /** An option that no guest can be made of: a script that is too long, memory out of bounds. */
  | 'bad-option'
  /** QEMU couldn't start, or ended before the guest's own work did. */
  | 'qemu-failed'
  | 'kernel-panic'
  /** The guest was still running at the end of `timeoutMs`, and was killed. */
  | 'timeout'
  /** The caller called `kill()`. */
  | 'killed';

/** A guest that could not be made or did not end by itself. `lines` holds the last of what it printed. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
  constructor(
    readonly code: GuestErrorCode,
    message: string,
    readonly lines: readonly string[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A program that has to be installed first; says how. */
export function missingProgram(program: string, debianPackage: string): GuestError {
  return new GuestError(
    'program-missing',
    `${program} is not installed: run \`apt-get install -y --no-install-recommends ${debianPackage}\` as root`,
  );
}
