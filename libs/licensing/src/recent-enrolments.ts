import type { Mark } from '#libs/contracts';

/** A machine's enrolment, as far as it is counted. */
export interface Enrolment {
  readonly machineId: string;
  readonly hardware?: Mark;
  readonly atMs: number;
}

/**
 * The enrolments of one licence within a window before the last of them, by their times. A licence may have a hundred thousand machines, and
 * each of them is counted when the log is folded: none of this may look at all the others.
 */
export class RecentEnrolments {
  private readonly inOrder: Enrolment[] = [];
  /** Of `inOrder`: those before are too old. */
  private first = 0;
  private readonly byHardware = new Map<Mark, Enrolment[]>();

  constructor(private readonly windowMs: number) {}

  add(enrolment: Enrolment): void {
    const { inOrder } = this;
    // Clocks of several feeds differ by a little, so a place near the end is found from there.
    let at = inOrder.length;
    while (at > this.first && (inOrder[at - 1]?.atMs ?? 0) > enrolment.atMs) at -= 1;
    inOrder.splice(at, 0, enrolment);
    const { hardware } = enrolment;
    const others = hardware === undefined ? undefined : this.byHardware.get(hardware);
    if (others !== undefined) others.push(enrolment);
    else if (hardware !== undefined) this.byHardware.set(hardware, [enrolment]);
    this.forget(enrolment.atMs - this.windowMs);
  }

  /** How many there were after a time, in ms since 1970. */
  countSince(sinceMs: number): number {
    let [low, high] = [this.first, this.inOrder.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.inOrder[middle]?.atMs ?? 0) > sinceMs) high = middle;
      else low = middle + 1;
    }
    return this.inOrder.length - low;
  }

  /** Those on a hardware after a time. */
  ofHardware(hardware: Mark, sinceMs: number): readonly Enrolment[] {
    return (this.byHardware.get(hardware) ?? []).filter(({ atMs }) => atMs > sinceMs);
  }

  private forget(untilMs: number): void {
    for (let oldest = this.inOrder[this.first]; oldest !== undefined && oldest.atMs <= untilMs;) {
      this.forgetHardware(oldest);
      this.first += 1;
      oldest = this.inOrder[this.first];
    }
    if (this.first * 2 < this.inOrder.length) return;
    this.inOrder.splice(0, this.first);
    this.first = 0;
  }

  private forgetHardware(old: Enrolment): void {
    if (old.hardware === undefined) return;
    const left = (this.byHardware.get(old.hardware) ?? []).filter((one) => one !== old);
    if (left.length === 0) this.byHardware.delete(old.hardware);
    else this.byHardware.set(old.hardware, left);
  }
}
