import type { Atom, Reference } from '../model/atom.js';

/** Functions that get `__LINE__` as an argument from the macros around them, and nothing else that moves with lines. */
const lineTakers = new Set([
  '__warn_printk',
  '__might_sleep',
  '__might_resched',
  '__might_fault',
  'lockdep_rcu_suspicious',
  'lockdep_init_map_type',
  'warn_slowpath_fmt',
  '__cant_sleep',
  '__cant_migrate',
]);
/** These take whatever their caller prints: only with the file's name beside it is a number likely its line. */
const printers = new Set(['_printk', '_dev_err', '_dev_warn', '_dev_info']);
/** An instruction that moves an argument may stand this far before its call. */
const maxDistance = 96;

/**
 * Do two functions of equal length differ only in line numbers: in the immediate of `mov $line, %reg`, with one of the
 * known macros' functions as the next call? (kpatch decides so too; the references must have been compared.)
 */
export function differsInLinesOnly(original: Atom, patched: Atom): boolean {
  const { bytes: a } = original;
  const { bytes: b } = patched;
  if (a.length !== b.length) return false;
  let at = 0;
  while (at < a.length) {
    if (a[at] === b[at]) {
      at++;
      continue;
    }
    const field = immediateAround(a, b, at);
    if (field === undefined || !callTakesLine(patched, field + 4)) return false;
    at = field + 4;
  }
  return true;
}

/** Start of the 4-byte immediate of a `mov $imm32, %r32` (b8+r) that holds the differing byte. */
function immediateAround(a: Uint8Array, b: Uint8Array, at: number): number | undefined {
  for (let field = at; field > at - 4 && field > 0; field--) {
    const opcode = a[field - 1] ?? 0;
    if (opcode !== b[field - 1] || (opcode & 0xf8) !== 0xb8) continue;
    const line = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset + field, 4).getUint32(0, true);
    if (field + 4 > a.length) return undefined;
    if (line(a) < 1 << 20 && line(b) < 1 << 20 && line(a) !== 0 && line(b) !== 0) return field;
  }
  return undefined;
}

function callTakesLine(atom: Atom, from: number): boolean {
  const after = atom.references.filter(({ at }) => at >= from && at < from + maxDistance);
  const call = after.find((reference) => isCall(atom, reference));
  if (call === undefined || call.target.kind !== 'external') return false;
  if (lineTakers.has(call.target.name)) return true;
  if (!printers.has(call.target.name)) return false;
  return atom.references.some(
    ({ at, target }) =>
      at > from - maxDistance && at < call.at && target.kind === 'string' && /\.[chS]$/.test(target.text),
  );
}

function isCall(atom: Atom, reference: Reference): boolean {
  return atom.bytes[reference.at - 1] === 0xe8;
}
