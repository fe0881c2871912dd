/**
 * The project's own canary fix: a change to a kernel function whose effect any program can see. `/proc/version` says one more
 * line while it is live. The patch is made from the drop's own source, so that it fits whatever version the archive has.
 */
export const canary = {
  path: 'fs/proc/version.c',
  /** The function's last statement; what is added goes before it. */
  anchor: /^\treturn 0;$/,
  line: 'splicecast-canary: patched without a reboot',
  subject: 'proc: let /proc/version say that it was patched live (Splicecast canary)',
} as const;

const contextLines = 3;

/**
 * Makes the canary's patch for a source file.
 * @throws Error if the file has no place for it.
 */
export function canaryPatch(source: string): string {
  const lines = source.split('\n');
  const at = lines.findIndex((line) => canary.anchor.test(line));
  if (at < 0) throw new Error(`${canary.path} has no line to put the canary before: this kernel needs another canary`);
  const from = Math.max(0, at - contextLines);
  const before = lines.slice(from, at);
  const after = lines.slice(at, at + contextLines);
  const size = before.length + after.length;
  return [
    `diff --git a/${canary.path} b/${canary.path}`,
    `--- a/${canary.path}`,
    `+++ b/${canary.path}`,
    `@@ -${from + 1},${size} +${from + 1},${size + 1} @@`,
    ...before.map((line) => ` ${line}`),
    `+\tseq_puts(m, "${canary.line}\\n");`,
    ...after.map((line) => ` ${line}`),
    '',
  ].join('\n');
}
