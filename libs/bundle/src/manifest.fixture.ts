import type { ManifestInput } from './index.js';

/** A manifest's parts that don't matter to most tests: a kernel, a module of one function, no attestations. */
export const plainInput: ManifestInput = {
  schema: 1,
  kernel: {
    distro: 'debian',
    arch: 'x86_64',
    release: '6.1.0-54-amd64',
    version: '6.1.190-1',
    buildId: 'ab'.repeat(20),
    vermagic: '6.1.0-54-amd64 SMP preempt mod_unload modversions ',
  },
  fixes: [{ fixId: 'fix-1', subject: 'fcntl: check it', cves: ['CVE-2026-1'], paths: ['fs/fcntl.c'] }],
  functions: [patched('do_fcntl')],
  loader: { format: 'klp-module', minVersion: 1 },
  module: 'sc_fix1',
  replace: false,
  reversible: true,
};

export function patched(symbol: string): ManifestInput['functions'][number] {
  return {
    object: 'vmlinux',
    symbol,
    sympos: 0,
    objectFile: 'fs/fcntl.o',
    oldSha256: 'a'.repeat(64),
    newSha256: 'b'.repeat(64),
    sizeBytes: 100,
  };
}
