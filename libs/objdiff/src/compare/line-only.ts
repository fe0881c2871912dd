import type { Atom, Reference, Target } from '../model/atom.js';
import { itemsBetween } from '../model/lists.js';
import { sourceName } from '../model/names.js';

/** Functions that get `__LINE__` as an argument from the macros around them, and nothing else that moves with lines. */
const lineTakers = new Set([
  '__warn_printk',
  '__might_sleep',
  '___might_sleep',
  '__might_resched',
  '__might_fault',
  'lockdep_rcu_suspicious',
  'lockdep_init_map_type',
  'warn_slowpath_fmt',
  '__cant_sleep',
  '__cant_migrate',
]);
/** Their parameters are a function's name and a line: `const char *where, unsigned int line`. */
const placeTakers = new Set([
  '__btrfs_abort_transaction',
  '__btrfs_handle_fs_error',
  '__btrfs_panic',
  '__ext4_error',
  '__ext4_error_file',
  '__ext4_error_inode',
  '__ext4_grp_locked_error',
  '__ext4_journal_ensure_credits',
  '__ext4_journal_get_create_access',
  '__ext4_journal_get_write_access',
  '__ext4_handle_dirty_metadata',
  '__ext4_journal_start_sb',
  '__ext4_journal_stop',
  '__ext4_std_error',
  '__ext4_warning',
  '__ext4_warning_inode',
]);
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
  const after = itemsBetween(atom.references, from - 1, from + maxDistance, ({ at }) => at);
  const call = after.find((reference) => isCall(atom, reference));
  if (call === undefined || call.target.kind !== 'external') return false;
  const { name } = call.target;
  if (lineTakers.has(name)) return true;
  const before = itemsBetween(atom.references, from - maxDistance, call.at, ({ at }) => at);
  return before.some(({ target }) => isFileName(target) || (placeTakers.has(name) && isFunctionName(target)));
}

/** `__FILE__`: whoever is given a file of the source and a number is told a place in it. */
function isFileName(target: Target): boolean {
  return target.kind === 'string' && /^[\w./+-]+\.[chS]$/.test(target.text);
}

/** `__func__` */
function isFunctionName(target: Target): boolean {
  return target.kind === 'atom' && sourceName(target.atom.name) === '__func__';
}

function isCall(atom: Atom, reference: Reference): boolean {
  return atom.bytes[reference.at - 1] === 0xe8;
}
