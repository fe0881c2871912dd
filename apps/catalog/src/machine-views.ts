import { z } from 'zod';
import { effectiveKernel } from '#libs/contracts';
import type { TableReader } from './adapters/table-reader.js';
import { cvesClosed } from './domain/live-kernel.js';
import { type BundleRow, bundleTable, subjectOf } from './projections/bundle.js';
import { cveCommitTable, cveFixTable } from './projections/cve.js';
import { type FixRow, fixTable } from './projections/fix.js';
import { type KernelRow, kernelTable } from './projections/kernel.js';
import { type MachineRow, machineTable } from './projections/machine.js';
import { type MachineUpdateRow, machineUpdateTable } from './projections/machine-update.js';

/** A machine in a list. */
export const machineSummarySchema = machineTable.schema.and(
  z.object({
    /** `<version>+live.<n>.<digest>`: what its kernel amounts to. Absent while no kernel is known. */
    effectiveKernel: z.string().optional(),
  }),
);
export type MachineSummary = z.infer<typeof machineSummarySchema>;

/** All that is known of a machine. */
export const machineViewSchema = machineSummarySchema.and(
  z.object({
    /** The vendor's version of the running kernel, where it was imported here. */
    kernelVersion: z.string().optional(),
    kernelId: z.string().optional(),
    /** What is live in the running kernel. */
    applied: z.array(
      z.object({
        bundleId: z.string(),
        /** Absent for a level, which has many. */
        fixId: z.string().optional(),
        level: z.int().optional(),
        subject: z.string(),
        appliedAt: z.string(),
      }),
    ),
    /** CVEs whose every known fix is live. */
    cvesFixedLive: z.array(z.string()),
    /** CVEs of which some fixes are live and some are not. */
    cvesFixedInPart: z.array(z.string()),
    /** The last that was heard of each bundle. */
    updates: z.array(machineUpdateTable.schema),
  }),
);
export type MachineView = z.infer<typeof machineViewSchema>;

interface Live {
  readonly kernel?: KernelRow;
  readonly updates: readonly MachineUpdateRow[];
  /** What is applied in the kernel that runs now, oldest first. */
  readonly applied: readonly { readonly update: MachineUpdateRow; readonly bundle: BundleRow }[];
}

/** Works out what runs on machines, from what they reported and what the bundles are, as of the moment that the tables are read as of. */
export class MachineViews {
  constructor(private readonly tables: TableReader) {}

  async summaries(machines: readonly MachineRow[]): Promise<readonly MachineSummary[]> {
    const live = await this.liveOn(machines);
    return machines.map((machine) => ({
      ...machine,
      effectiveKernel: effectiveOf(machine, live.get(machine.machineId)),
    }));
  }

  async view(machine: MachineRow): Promise<MachineView> {
    const live = (await this.liveOn([machine])).get(machine.machineId) ?? { updates: [], applied: [] };
    const { kernel, updates, applied } = live;
    const appliedIds = new Set(applied.flatMap(({ bundle }) => bundle.fixIds));
    const fixes = await this.tables.where(fixTable, 'fixId', [...appliedIds]);
    const byId = new Map(fixes.map((fix) => [fix.fixId, fix]));
    const { fixed, inPart } = await this.closedBy(fixes, kernel?.kernelId);
    return {
      ...machine,
      effectiveKernel: effectiveOf(machine, live),
      kernelVersion: kernel?.version,
      kernelId: kernel?.kernelId,
      applied: applied.map(({ update, bundle }) => ({
        bundleId: bundle.bundleId,
        fixId: bundle.fixId,
        level: bundle.level,
        subject: subjectOf(bundle, byId.get(bundle.fixIds[0] ?? '')?.subject),
        appliedAt: update.at,
      })),
      cvesFixedLive: [...fixed],
      cvesFixedInPart: [...inPart],
      updates: [...updates],
    };
  }

  /** What live fixes close: of their CVEs all other fixes for this kernel count, and all commits of the drops that they are of. */
  private async closedBy(live: readonly FixRow[], kernelId: string | undefined) {
    const drops = new Set(live.map(({ source }) => (source.kind === 'commit' ? source.dropId : undefined)));
    const touched = live.flatMap(({ cves }) => cves);
    const naming = await this.tables.where(cveCommitTable, 'cveId', touched);
    const links = await this.tables.where(cveFixTable, 'cveId', touched);
    const applied = new Set(live.map(({ fixId }) => fixId));
    const others = links.filter((link) => link.kernelId === kernelId && !applied.has(link.fixId));
    const fixes = await this.tables.where(
      fixTable,
      'fixId',
      others.map(({ fixId }) => fixId),
    );
    const known = [...live, ...fixes].map(({ fixId, cves, source }) => ({
      fixId,
      cves,
      ...(source.kind === 'commit' ? { commit: source.commit } : {}),
    }));
    return cvesClosed(
      applied,
      known,
      naming.filter(({ dropId }) => drops.has(dropId)),
    );
  }

  private async liveOn(machines: readonly MachineRow[]): Promise<ReadonlyMap<string, Live>> {
    const buildIds = machines.map(({ buildId }) => buildId).filter((id) => id !== undefined);
    const kernels = await this.tables.where(kernelTable, 'buildId', buildIds);
    const updates = await this.tables.where(
      machineUpdateTable,
      'machineId',
      machines.map(({ machineId }) => machineId),
    );
    const bundles = await this.tables.where(
      bundleTable,
      'bundleId',
      updates.map(({ bundleId }) => bundleId),
    );
    const bundleById = new Map(bundles.map((bundle) => [bundle.bundleId, bundle]));
    return new Map(
      machines.map((machine) => {
        const own = updates
          .filter(({ machineId }) => machineId === machine.machineId)
          .sort((a, b) => a.firstPosition - b.firstPosition);
        return [machine.machineId, liveOf(machine, kernels, own, bundleById)];
      }),
    );
  }
}

/** An update counts as live if it was applied since the kernel that runs now was first seen, and was made for that kernel. */
function liveOf(
  machine: MachineRow,
  kernels: readonly KernelRow[],
  updates: readonly MachineUpdateRow[],
  bundles: ReadonlyMap<string, BundleRow>,
): Live {
  const same = kernels.filter(({ buildId }) => buildId === machine.buildId);
  const kernel = same.find(({ distro }) => distro === machine.distro) ?? same[0];
  const applied = updates.flatMap((update) => {
    const bundle = bundles.get(update.bundleId);
    const since = machine.kernelSince ?? '';
    const live = update.state === 'applied' && update.at >= since && bundle?.kernelId === kernel?.kernelId;
    return live && bundle !== undefined ? [{ update, bundle }] : [];
  });
  return { kernel, updates, applied };
}

function effectiveOf(machine: MachineRow, live: Live | undefined): string | undefined {
  const version = live?.kernel?.version ?? machine.release;
  if (version === undefined) return undefined;
  return effectiveKernel(version, live?.applied.map(({ bundle }) => bundle.bundleId) ?? []);
}
