import { KernelImageError } from './errors.js';

/** A kernel configuration: `CONFIG_X` without its prefix → `y`, `m`, a number or a string as written. */
export type KernelConfig = ReadonlyMap<string, string>;

/** Reads a .config. Options that are "not set" are absent. */
export function parseConfig(text: string): KernelConfig {
  const config = new Map<string, string>();
  for (const line of text.split('\n')) {
    const parts = /^CONFIG_([A-Za-z0-9_]+)=(.*)$/.exec(line);
    if (parts?.[1] !== undefined && parts[2] !== undefined) config.set(parts[1], parts[2]);
  }
  return config;
}

/** What the vendor takes out of the config in /boot (it names build-time keys and salts). */
const strippedFromImage = new Set(['BUILD_SALT', 'MODULE_SIG_ALL', 'MODULE_SIG_KEY', 'SYSTEM_TRUSTED_KEYS']);

/** What the kernel needs so that its livepatch loader takes our modules, and these stay consistent. */
const required: readonly (readonly [option: string, value: string])[] = [
  ['X86_64', 'y'],
  ['MODULES', 'y'],
  ['LIVEPATCH', 'y'],
  ['KALLSYMS_ALL', 'y'],
  ['DYNAMIC_FTRACE_WITH_REGS', 'y'],
  ['HAVE_FENTRY', 'y'],
];

/**
 * Checks that the config of the headers is the one of the image, and that the kernel can be live-patched.
 * @throws KernelImageError `config-mismatch`, `not-patchable`
 */
export function checkConfig(image: KernelConfig, headers: KernelConfig): void {
  const differing: string[] = [];
  for (const [option, value] of image) if (headers.get(option) !== value) differing.push(option);
  for (const option of headers.keys()) {
    if (!image.has(option) && !strippedFromImage.has(option)) differing.push(option);
  }
  if (differing.length > 0) {
    const some = differing.slice(0, 8).join(', ');
    throw new KernelImageError(
      'config-mismatch',
      `the headers' config differs from the image's in ${differing.length} options: ${some}`,
    );
  }
  const missing = required.filter(([option, value]) => headers.get(option) !== value).map(([option]) => option);
  if (missing.length > 0) {
    throw new KernelImageError('not-patchable', `the kernel is configured without ${missing.join(', ')}`);
  }
}
