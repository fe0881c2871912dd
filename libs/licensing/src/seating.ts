import type { EventData, LicenseTerms, Mark } from '#libs/contracts';
import { type Enrolment, RecentEnrolments } from './recent-enrolments.js';
import { enrolmentWindowsMs } from './rules.js';
import type { Standing } from './standing.js';

interface Enrolled extends Enrolment {
  readonly licenseId: string;
  /** Its seat was freed. */
  readonly released?: boolean;
}

/** Who asks: a machine that may not be enrolled yet. */
export interface Candidate {
  readonly machineId: string;
  readonly hardware?: Mark;
}

/** The terms of a licence by its id; undefined for one that is not known. */
export type TermsOf = (licenseId: string) => LicenseTerms | undefined;

/**
 * Who sits where, folded from the machines' enrolments. A seat is taken by hardware, where the machine told of it: a machine that was
 * installed anew takes its own seat again, and the installation before it has none any more.
 */
export class Seating {
  private readonly machines = new Map<string, Enrolled>();
  /** For each licence, who has each seat. The key is the hardware's mark, or the machine's id where it told none. */
  private readonly seats = new Map<string, Map<string, Enrolled>>();
  /** New machines of each licence. */
  private readonly recent = new Map<string, RecentEnrolments>();
  /** Licences that each hardware was enrolled with. */
  private readonly history = new Map<Mark, Set<string>>();
  private readonly retired = new Set<string>();

  enrol(data: Pick<EventData<'MachineEnrolled'>, 'machineId' | 'licenseId' | 'hardware'>, at: string): void {
    const enrolled: Enrolled = { ...data, atMs: Date.parse(at) };
    const { machineId, licenseId, hardware } = enrolled;
    const before = this.machines.get(machineId);
    if (before !== undefined) this.leave(before);
    this.machines.set(machineId, enrolled);
    const seats = this.seats.get(licenseId) ?? new Map<string, Enrolled>();
    this.seats.set(licenseId, seats.set(seatOf(enrolled), enrolled));
    // Who frees seats and takes them again, or carries one key from machine to machine, is counted like who enrols new machines.
    if (before?.licenseId !== licenseId || before.released === true || isElsewhere(before, hardware)) {
      this.count(enrolled);
    }
    if (hardware === undefined) return;
    this.history.set(hardware, (this.history.get(hardware) ?? new Set<string>()).add(licenseId));
  }

  /** Frees a machine's seat. That its hardware has had a trial is remembered. */
  release(machineId: string): void {
    const machine = this.machines.get(machineId);
    if (machine === undefined) return;
    this.leave(machine);
    this.machines.set(machineId, { ...machine, released: true });
  }

  /** Frees its seat for good. */
  retire(machineId: string): void {
    const machine = this.machines.get(machineId);
    if (machine !== undefined) this.leave(machine);
    this.retired.add(machineId);
  }

  /** How a machine stands with a licence at a time. */
  standing({ machineId, hardware }: Candidate, licenseId: string, at: Date, termsOf: TermsOf): Standing {
    const seats = this.seats.get(licenseId);
    const known = this.machines.get(machineId);
    const own = known?.licenseId === licenseId ? known : undefined;
    // A machine that says no more what it runs on is still the one that it was.
    const mark = hardware ?? own?.hardware;
    const holder = seats?.get(mark ?? machineId);
    // It would leave the seat on its former hardware.
    const leaves = own !== undefined && seatOf(own) !== (mark ?? machineId) && this.sits(own);
    const displacedBy =
      own !== undefined && holder !== undefined && holder.machineId !== machineId ? holder.machineId : undefined;
    const earlierTrial = mark === undefined ? undefined : this.earlierTrial(mark, licenseId, termsOf);
    const recent = this.recent.get(licenseId);
    const sinceMs = (windowMs: number): number => at.getTime() - windowMs;
    return {
      seated: holder !== undefined,
      ...(displacedBy === undefined ? {} : { displacedBy }),
      ...(known !== undefined && isElsewhere(known, hardware) ? { elsewhere: true } : {}),
      ...(own?.released === true ? { released: true } : {}),
      ...(this.retired.has(machineId) ? { retired: true } : {}),
      otherMachines: (seats?.size ?? 0) - (holder === undefined ? 0 : 1) - (leaves ? 1 : 0),
      ...(earlierTrial === undefined ? {} : { earlierTrial }),
      enrolmentsToday: recent?.countSince(sinceMs(enrolmentWindowsMs.day)) ?? 0,
      reinstalls:
        mark === undefined
          ? 0
          : (recent?.ofHardware(mark, sinceMs(enrolmentWindowsMs.month)) ?? []).filter(
              (one) => one.machineId !== machineId,
            ).length,
    };
  }

  private leave(before: Enrolled): void {
    if (this.sits(before)) this.seats.get(before.licenseId)?.delete(seatOf(before));
  }

  private sits(machine: Enrolled): boolean {
    return this.seats.get(machine.licenseId)?.get(seatOf(machine))?.machineId === machine.machineId;
  }

  private count(enrolled: Enrolled): void {
    const recent = this.recent.get(enrolled.licenseId) ?? new RecentEnrolments(enrolmentWindowsMs.month);
    this.recent.set(enrolled.licenseId, recent);
    recent.add(enrolled);
  }

  /** A trial other than this one that covered a distribution of this one. */
  private earlierTrial(mark: Mark, licenseId: string, termsOf: TermsOf): string | undefined {
    const distros = termsOf(licenseId)?.distros ?? [];
    return [...(this.history.get(mark) ?? [])].find((other) => {
      const terms = other === licenseId ? undefined : termsOf(other);
      return terms?.kind === 'trial' && terms.distros.some((distro) => distros.includes(distro));
    });
  }
}

function seatOf({ hardware, machineId }: Enrolled): string {
  return hardware ?? machineId;
}

/** Only where both were told: a machine that says nothing of its hardware is no copy. */
function isElsewhere({ hardware }: Enrolled, told: Mark | undefined): boolean {
  return hardware !== undefined && told !== undefined && hardware !== told;
}
