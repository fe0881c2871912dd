import { digestOf, type ReportRequest, updatesResponseSchema } from '#libs/contracts';

type ReportedFact = ReportRequest['facts'][number];
export type Offer = ReturnType<typeof updatesResponseSchema.parse>['bundles'][number];

/** A report that the machine made, and whether it knows that it was taken. */
export interface Reported {
  readonly machineId: string;
  readonly reportId: string;
  readonly facts: readonly ReportedFact[];
  acknowledged: boolean;
}

/** Of one report (`reportRequestSchema`): a level may take the place of more bundles than that. */
const maxFacts = 100;

/** Tells any two changes apart: each has a duration of its own. */
let transitions = 0;

/** What is in a machine's kernel, and all that was ever to be reported of it. */
export class MachineState {
  /** In the order in which they were made. */
  readonly reports: Reported[] = [];
  private readonly held = new Map<string, Offer>();

  constructor(private readonly machineId: string) {}

  holds(bundleId: string): boolean {
    return this.held.has(bundleId);
  }

  /** Whether the service may take it for held: that it was replaced or reversed may not have reached it yet. */
  mayHold(bundleId: string): boolean {
    return this.reports.some(({ facts }) => facts.some(({ data }) => data.bundleId === bundleId));
  }

  /** The oldest report that isn't known to be taken. */
  untold(): Reported | undefined {
    return this.reports.find((one) => !one.acknowledged);
  }

  /** Puts a bundle in. A level takes the place of what is contained in it. */
  apply(offer: Offer): void {
    const { machineId } = this;
    const { bundleId, fixIds = [], level } = offer;
    transitions += 1;
    const facts: ReportedFact[] = [
      { type: 'UpdateStaged', data: { machineId, bundleId } },
      { type: 'UpdateApplied', data: { machineId, bundleId, transitionMs: transitions } },
    ];
    for (const [other, held] of level === undefined ? [] : this.held) {
      if (!(held.fixIds ?? []).every((fixId) => fixIds.includes(fixId))) continue;
      facts.push({ type: 'UpdateReplaced', data: { machineId, bundleId: other, by: bundleId } });
      this.held.delete(other);
    }
    this.held.set(bundleId, offer);
    this.tell(facts);
  }

  /** Takes a bundle out, if it is in. */
  reverse(bundleId: string): void {
    if (!this.held.delete(bundleId)) return;
    transitions += 1;
    const { machineId } = this;
    this.tell([{ type: 'UpdateReversed', data: { machineId, bundleId, transitionMs: transitions } }]);
  }

  /** Takes out what has been in longest. */
  takeBack(): void {
    const [bundleId] = this.held.keys();
    if (bundleId !== undefined) this.reverse(bundleId);
  }

  private tell(facts: readonly ReportedFact[]): void {
    for (let start = 0; start < facts.length; start += maxFacts) {
      const reportId = `report-${digestOf(`${this.machineId} ${this.reports.length}`).slice(0, 20)}`;
      const some = facts.slice(start, start + maxFacts);
      this.reports.push({ machineId: this.machineId, reportId, facts: some, acknowledged: false });
    }
  }
}
