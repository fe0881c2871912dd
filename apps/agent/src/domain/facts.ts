import type { ReportRequest } from '#libs/contracts';
import type { JournalRecord } from './record.js';

export type ReportFact = ReportRequest['facts'][number];

/** What the service is told of a record; undefined for what is this machine's own business. */
export function factOf(record: JournalRecord, machineId: string): ReportFact | undefined {
  const update = { machineId, bundleId: record.bundleId };
  switch (record.type) {
    case 'Staged':
      return { type: 'UpdateStaged', data: update };
    case 'Applied':
      return { type: 'UpdateApplied', data: { ...update, transitionMs: record.transitionMs } };
    case 'Stalled':
      return { type: 'UpdateStalled', data: { ...update, tasks: record.tasks } };
    case 'Reversed':
      return { type: 'UpdateReversed', data: { ...update, transitionMs: record.transitionMs } };
    case 'Replaced':
      return { type: 'UpdateReplaced', data: { ...update, by: record.by } };
    case 'Refused':
      return record.repeated === true
        ? undefined
        : { type: 'UpdateFailed', data: { ...update, reasons: record.reasons } };
    default:
      return undefined;
  }
}

/** Records of which the service hasn't heard yet, oldest first. */
export function unreported(records: readonly JournalRecord[], reportedSeq: number): JournalRecord[] {
  return records.filter((record) => record.seq > reportedSeq && factOf(record, 'any') !== undefined);
}
