import { z } from 'zod';
import type { Listing, Page, TableReader } from './adapters/table-reader.js';
import { runs, whyOnMachine } from './domain/recalled-machine.js';
import type { BundleRow } from './projections/bundle.js';
import { machineTable } from './projections/machine.js';
import { machineUpdateTable } from './projections/machine-update.js';

/** What a bundle is on a machine, and why. */
export const bundleMachineSchema = z.object({
  machineId: z.string(),
  hostname: z.string().optional(),
  /** What the machine last said of it. */
  state: z.enum(['staged', 'applied', 'stalled', 'reversed', 'replaced', 'failed']),
  at: z.iso.datetime(),
  /** It is in the kernel that runs, as far as the machine said. */
  runs: z.boolean(),
  /** When the machine last said something new. */
  lastSeen: z.iso.datetime().optional(),
  why: z.string(),
});
export type BundleMachine = z.infer<typeof bundleMachineSchema>;

/** Works out on which machines a bundle is, as of the moment that the tables are read as of. */
export class BundleMachines {
  constructor(private readonly tables: TableReader) {}

  /** A page of the machines that ever spoke of it. */
  async page(bundle: BundleRow, listing: Listing): Promise<Page<BundleMachine>> {
    const equal = { ...listing.equal, bundleId: bundle.bundleId };
    const page = await this.tables.page(machineUpdateTable, { ...listing, equal });
    const ids = page.items.map(({ machineId }) => machineId);
    const rows = await this.tables.where(machineTable, 'machineId', ids);
    const machines = new Map(rows.map((row) => [row.machineId, row]));
    const items = page.items.map((update): BundleMachine => {
      const machine = machines.get(update.machineId);
      const { hostname, lastSeen } = machine ?? {};
      const { machineId, state, at } = update;
      const isLive = runs(update, machine);
      return { machineId, hostname, state, at, runs: isLive, lastSeen, why: whyOnMachine(bundle, update, isLive) };
    });
    return { ...page, items };
  }
}
