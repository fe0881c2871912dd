import { isDeepStrictEqual } from 'node:util';
import { DataSource } from 'typeorm';
import type { Entry } from '../log.js';
import type { Reported } from '../machine-state.js';
import type { Violation } from '../violation.js';

/** The catalog's word for what was reported last. */
const stateOf: Readonly<Record<string, string>> = {
  UpdateStaged: 'staged',
  UpdateApplied: 'applied',
  UpdateReversed: 'reversed',
  UpdateReplaced: 'replaced',
};

/** What machines reported is in the log as they said it, in their order, once; and the catalog says what they said last. */
export async function checkMachines(
  entries: readonly Entry[],
  reports: readonly Reported[],
  databaseFile: string,
): Promise<Violation[]> {
  const byMachine = new Map<string, Reported[]>();
  for (const one of reports) byMachine.set(one.machineId, [...(byMachine.get(one.machineId) ?? []), one]);
  const rows = await updateRows(databaseFile);
  const violations: Violation[] = [];
  for (const [machineId, own] of byMachine) {
    const said = own.flatMap(({ facts }) => facts);
    const recorded = entries
      .filter(({ stream }) => stream === `machine.${machineId}`)
      .flatMap(({ events }) => events.map(({ fact }) => fact))
      .filter(({ type }) => type.startsWith('Update'));
    if (!isDeepStrictEqual(recorded, said)) {
      const first = recorded.findIndex((one, index) => !isDeepStrictEqual(one, said[index]));
      const at = first < 0 ? recorded.length : first;
      const context = { said: said.slice(at, at + 3), recorded: recorded.slice(at, at + 3) };
      violations.push({ check: 'reports', what: `${machineId} said otherwise than is recorded`, context });
    }
    const last = new Map(said.map((one) => [`${machineId}.${one.data.bundleId}`, stateOf[one.type]]));
    for (const [updateId, state] of last) {
      if (rows.get(updateId) === state) continue;
      const what = `the catalog has ${updateId} as ${rows.get(updateId)}, and the machine as ${state}`;
      violations.push({ check: 'reports', what });
    }
  }
  return violations;
}

async function updateRows(database: string): Promise<ReadonlyMap<string, string>> {
  const source = await new DataSource({ type: 'sqlite', database }).initialize();
  try {
    const rows: { updateId: string; state: string }[] = await source.query(
      'SELECT "updateId", "state" FROM machine_updates',
    );
    return new Map(rows.map(({ updateId, state }) => [updateId, state]));
  } finally {
    await source.destroy();
  }
}
