import { digestOf } from './ids.js';

/**
 * The version that a kernel with live patches amounts to: `<version>+live.<n>.<digest>`, n = how many bundles are applied,
 * digest = the first 8 hex digits of the SHA-256 over their sorted ids, joined by newlines. Two machines say the same only if
 * they run the same fixes, in whatever order those came. Without live patches it is the version itself.
 */
export function effectiveKernel(version: string, bundleIds: readonly string[]): string {
  if (bundleIds.length === 0) return version;
  const digest = digestOf([...bundleIds].sort().join('\n')).slice(0, 8);
  return `${version}+live.${bundleIds.length}.${digest}`;
}
