import { proofWindowMs, TrustError } from '#libs/trust';
import { Problem } from '#libs/service';

/** A proof is acceptable from five minutes before its time until five minutes after: for so long it must be remembered. */
const generationMs = 2 * proofWindowMs;

/** Some 200 MB at worst; past it machines are asked to wait. */
const maxProofs = 2_000_000;

/** A machine that checks in every second stays below this; one that does more is broken or hostile. */
export const proofsOfMachine = 2_000;

/** All machines of a licence enrol and renew within this, several times over; keys made up on the spot fill no more than it. */
export function proofsOfLicense(seats: number): number {
  return Math.min(proofsOfMachine + 4 * seats, maxProofs / 4);
}

/**
 * Remembers the proofs that were shown, so that none is taken twice. Two generations, exchanged whole: what is forgotten is at
 * least ten minutes old, and nothing needs a timer. Each owner (a known machine, a genuine licence) has room of its own, so that
 * nobody can use up the others'. It is this process's memory: several feeds behind one address, or a restart, let a proof pass
 * once more within its five minutes, which repeats a request word for word and changes nothing.
 */
export class ReplayWindow {
  private current = new Map<string, Set<string>>();
  private previous = new Map<string, Set<string>>();
  private count = 0;
  private sinceMs = 0;

  /**
   * @param owner whose room it takes, at most `max` in ten minutes.
   * @throws TrustError `replayed`; Problem 429 or 503 where it would have to remember too much.
   */
  remember(owner: string, max: number, proof: string, at: Date): void {
    this.turn(at.getTime());
    if (this.current.get(owner)?.has(proof) || this.previous.get(owner)?.has(proof)) {
      throw new TrustError('replayed', 'this proof was shown before');
    }
    const proofs = this.current.get(owner) ?? new Set();
    if (proofs.size >= max) {
      throw new Problem({ status: 429, code: 'too-many-requests', title: 'Too many requests: wait ten minutes' });
    }
    if (this.count >= maxProofs) {
      throw new Problem({ status: 503, code: 'busy', title: 'Too many requests at once: try again soon' });
    }
    this.current.set(owner, proofs.add(proof));
    this.count += 1;
  }

  private turn(nowMs: number): void {
    const ageMs = nowMs - this.sinceMs;
    // A clock that is set back changes nothing: what is remembered only stays longer.
    if (ageMs < generationMs) return;
    this.previous = ageMs < 2 * generationMs ? this.current : new Map();
    this.current = new Map();
    this.count = 0;
    this.sinceMs = nowMs;
  }
}
