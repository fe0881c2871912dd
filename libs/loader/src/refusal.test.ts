import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernelLogSince } from './kernel-log.js';
import { refusalOf } from './refusal.js';

const insmod = { stderr: "insmod: can't insert 'm.ko': invalid module format", exitCode: 1 };

/** Lines that a stock 6.1 kernel logged for such modules. */
describe('the kernel’s log tells more than insmod does', () => {
  it.each([
    ["m: version magic '6.1.0 SMP mod_unload ' should be '6.1.0 SMP preempt mod_unload '", 'wrong-vermagic'],
    ['m: disagrees about version of symbol module_layout', 'wrong-module-layout'],
    ['m: disagrees about version of symbol seq_printf', 'wrong-import-version'],
    ['m: Unknown symbol gone (err -2)', 'missing-import'],
    ["livepatch: symbol 'gone' not found in symbol table", 'unknown-symbol'],
    ["livepatch: unresolvable ambiguity for symbol 'twice' in object 'vmlinux'", 'unknown-symbol'],
    ['Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7', 'lockdown'],
    ['Loading of unsigned module is rejected', 'signature-required'],
    ['something else', 'malformed-module'],
  ])('%s', (line, code) => {
    const error = refusalOf('m', insmod, ['random: crng init done', line]);
    expect(error).toMatchObject({ name: 'LoaderError', code });
    if (code !== 'malformed-module') expect(error.message).toContain(line);
  });

  it('and its cause is told before what follows from it', () => {
    const log = ['m: Unknown symbol f (err -22)', 'm: disagrees about version of symbol f'];
    expect(refusalOf('m', insmod, log).code).toBe('wrong-import-version');
  });
});

describe('the kernel log', () => {
  it('is none where it cannot be read, and skips what is no record', () => {
    expect(kernelLogSince('/nonexistent/kmsg', -1)).toEqual([]);
    const folder = mkdtempSync(join(tmpdir(), 'kmsg-test-'));
    // A plain file gives all in one read: one record at most.
    writeFileSync(join(folder, 'kmsg'), '6,41,123,-;livepatch: enabling patch\n SUBSYSTEM=x\n');
    expect(kernelLogSince(join(folder, 'kmsg'), 40)).toEqual(['livepatch: enabling patch']);
    expect(kernelLogSince(join(folder, 'kmsg'), 41)).toEqual([]);
    writeFileSync(join(folder, 'kmsg'), 'no record');
    expect(kernelLogSince(join(folder, 'kmsg'), -1)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
