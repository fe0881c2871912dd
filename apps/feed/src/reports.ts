import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { derivedId, type ReportRequest } from '#libs/contracts';
import { EventStore, EventStoreError, type StreamName } from '#libs/eventstore';
import { correlate, Problem } from '#libs/service';
import { machineFrom } from './domain/machine.js';
import { decideReport, type ReportDecision } from './domain/report.js';
import { notEnrolled } from './enrolment.js';
import type { Caller } from './machine-gate.js';
import { LiveIndex } from './projections/live-index.js';

/** How often a report is decided anew because somebody else wrote to the machine's stream first. */
const maxAttempts = 5;

export const reportAnswerSchema = z.object({
  schema: z.literal(1),
  recorded: z.int(),
  unexpected: z.array(z.string()).readonly().describe('Facts that came out of turn; recorded all the same.'),
});
export type ReportAnswer = z.infer<typeof reportAnswerSchema>;

/** Records what machines say of themselves. Needs no lease: what runs is worth knowing whatever the licence. */
@Injectable()
export class Reports {
  private readonly log = new Logger(Reports.name);

  constructor(
    private readonly events: EventStore,
    private readonly live: LiveIndex,
  ) {}

  /** @throws Problem 403, 422. */
  async record(caller: Caller, report: ReportRequest): Promise<ReportAnswer> {
    const { machineId } = caller;
    this.check(caller, report);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { facts, unexpected } = await this.append(machineId, report);
        if (unexpected.length > 0) this.log.warn(`machine ${machineId} reports out of turn: ${unexpected.join(', ')}`);
        return { schema: 1, recorded: facts.length, unexpected };
      } catch (error) {
        const isRace = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
        if (!isRace || attempt >= maxAttempts) throw error;
      }
    }
  }

  private check({ machineId }: Caller, { facts }: ReportRequest): void {
    const index = this.live.current();
    if (facts.some((fact) => fact.data.machineId !== machineId)) {
      throw new Problem({ status: 403, code: 'not-your-machine', title: 'A machine may only report of itself' });
    }
    const errors = facts.flatMap(({ data }, n) =>
      index.bundle(data.bundleId) === undefined
        ? [{ pointer: `/facts/${n}/data/bundleId`, detail: `there is no bundle ${data.bundleId}` }]
        : [],
    );
    if (errors.length > 0) {
      throw new Problem({ status: 422, code: 'unknown-bundle', title: 'The report names unknown bundles', errors });
    }
  }

  private async append(machineId: string, report: ReportRequest): Promise<ReportDecision> {
    const stream: StreamName = `machine.${machineId}`;
    const past = await this.events.readStream(stream);
    const state = machineFrom(past.events.map((event) => event.fact));
    if (state.enrolment === undefined) throw notEnrolled();
    const decision = decideReport(report.facts, state);
    if (decision.facts.length === 0) return decision;
    const about = report.facts[0]?.data.bundleId ?? '';
    // From the ingest of a drop to the machine's report.
    const correlationId = this.live.current().bundle(about)?.correlationId ?? `machine:${machineId}`;
    correlate(correlationId);
    const { duplicate } = await this.events.appendToStream(stream, past.revision, decision.facts, {
      actor: `machine:${machineId}`,
      commandId: `report:${derivedId(machineId, report.reportId)}`,
      correlationId,
    });
    this.log.log(
      `machine ${machineId}: ${decision.facts.map(({ type, data }) => `${type} ${data.bundleId}`).join(', ')}`,
    );
    return duplicate ? { facts: [], unexpected: [] } : decision;
  }
}
