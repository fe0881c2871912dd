import type { Twins } from '../correlate/twins.js';
import type { Findings } from '../findings.js';
import type { Atom } from '../model/atom.js';
import type { ObjectFile } from '../model/object-file.js';
import { takesAddress } from '../model/uses.js';
import { type Calls, callsIn } from './calls.js';

/**
 * What the object tells of a patch that is sound and may still go badly: tasks that hold its transition up, and locks that
 * old and new code take differently while it lasts. Only what calls by name show for certain.
 */
export function noticeHazards(
  objects: { readonly original: ObjectFile; readonly patched: ObjectFile },
  twins: Twins,
  changed: ReadonlySet<Atom>,
  findings: Findings,
): void {
  const calls = { original: callsIn(objects.original), patched: callsIn(objects.patched) };
  const starters = changed.size === 0 ? [] : objects.original.atoms.filter(startsThreads);
  for (const atom of changed) {
    const original = twins.originalOf(atom);
    if (original === undefined) continue;
    const starter = starters.find((user) => passes(user, original));
    if (starter !== undefined) noticeThread(original, starter, findings);
    else noticeWaiting(original, calls.original(original), findings);
  }
  if (changed.size > 0) noticeLocking(objects, twins, changed, calls, findings);
}

/** kthread_create() and kthread_run() are macros over these. */
const threadStarters = new Set([
  'kthread_create_on_node',
  'kthread_create_on_cpu',
  'kernel_thread',
  'user_mode_thread',
]);

function startsThreads({ references }: Atom): boolean {
  return references.some(({ target }) => target.kind === 'external' && threadStarters.has(target.name));
}

function passes(user: Atom, target: Atom): boolean {
  return user.references.some(
    (reference) =>
      reference.target.kind === 'atom' && reference.target.atom === target && takesAddress(user, reference),
  );
}

function noticeThread({ name }: Atom, starter: Atom, findings: Findings): void {
  findings.notice({
    code: 'thread-function-changed',
    symbol: name,
    reason: `${starter.name} starts a kernel thread with it: it is on that thread's stack for as long as the thread runs`,
  });
}

/** In these a task waits for an event that may be far off. What waits for a lock, for I/O or for a time comes back soon. */
const waits =
  /^(?:schedule|schedule_timeout(?:_interruptible|_killable)?|schedule_hrtimeout(?:_range)?(?:_clock)?|wait_for_completion_(?:interruptible|killable)|wait_woken)$/;

function noticeWaiting({ name }: Atom, calls: Calls, findings: Findings): void {
  const waiting = [...calls.keys()].filter((callee) => waits.test(callee));
  if (waiting.length === 0) return;
  findings.notice({
    code: 'waits-inside',
    symbol: name,
    reason: `it calls ${waiting.join(', ')}: a task that waits in it holds the transition up`,
  });
}

/** Taking a lock; what gives it back goes with it. */
const locks =
  /^(?:mutex_lock(?:_\w+)?|_raw_(?:spin|read|write)_lock(?:_\w+)?|down(?:_(?:read|write|interruptible|killable)\w*)?|rt_mutex_lock\w*|rtnl_lock|lock_sock_nested|__rcu_read_lock|cpus_read_lock)$/;

function locksIn(atoms: readonly Atom[], callsOf: (atom: Atom) => Calls): ReadonlySet<string> {
  return new Set(atoms.flatMap((atom) => [...callsOf(atom).keys()].filter((name) => locks.test(name))));
}

function isCode({ kind, role }: Atom): boolean {
  return kind === 'function' && role === 'text';
}

/** Summed up over the changed functions, as gcc inlines one into another as it likes. */
function noticeLocking(
  objects: { readonly original: ObjectFile; readonly patched: ObjectFile },
  twins: Twins,
  changed: ReadonlySet<Atom>,
  calls: { readonly original: (atom: Atom) => Calls; readonly patched: (atom: Atom) => Calls },
  findings: Findings,
): void {
  const after = objects.patched.atoms.filter((atom) => isCode(atom) && (changed.has(atom) || !twins.originalOf(atom)));
  const before = objects.original.atoms.filter((atom) => {
    const twin = twins.patchedOf(atom);
    return isCode(atom) && (twin === undefined || changed.has(twin));
  });
  const [old, now] = [locksIn(before, calls.original), locksIn(after, calls.patched)];
  const newly = [...now].filter((name) => !old.has(name));
  const gone = [...old].filter((name) => !now.has(name));
  for (const [list, what] of [
    [newly, 'only the new code calls'],
    [gone, 'only the old code calls'],
  ] as const) {
    if (list.length === 0) continue;
    findings.notice({
      code: 'locking-changed',
      symbol: [...changed]
        .map(({ name }) => name)
        .join(', ')
        .slice(0, 512),
      reason: `${what} ${list.sort().join(', ')}: while the transition lasts, tasks in old and new code lock differently`,
    });
  }
}
