import Table from 'cli-table3';
import type { Admission } from './admission.js';
import type { ClientReport } from './client.js';
import type { Cost } from './cost.js';
import type { Bytes } from './counting-fetcher.js';
import type { MachineReport, OverSymbols } from './machine.js';
import type { Shape } from './population.js';
import type { StageReport } from './stage.js';

/** All that was measured; costs are medians. */
export interface Report extends Shape {
  readonly schema: 2;
  readonly cpus: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly client?: ClientReport;
  readonly machine?: MachineReport;
  readonly stage?: StageReport;
}

const style = { head: [], border: [], compact: true };

/** The report as tables. */
export function show(report: Report): string {
  const { releases, bundles, channels, cpus, loadBefore, loadAfter, client, machine, stage } = report;
  const shape = `${releases} releases x ${bundles} bundles in ${channels} channels`;
  const load = `${cpus} cpus, load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`;
  return [
    `${shape}, ${load}`,
    ...(client === undefined ? [] : [bytesTable(client), clientTable(client)]),
    ...(machine === undefined ? [] : [machineTable(machine)]),
    ...(stage === undefined ? [] : [stageTable(stage)]),
    '',
  ].join('\n\n');
}

function bytesTable({ coldStart, newPatch, newRelease, nothingNew }: ClientReport): string {
  const table = new Table({ head: ['a machine fetches', 'over HTTP (gzip)', 'as it is'], style });
  const row = (what: string, { raw, gzip }: Bytes): void => void table.push([what, kilo(gzip), kilo(raw)]);
  row('at its first start', coldStart);
  for (const [name, size] of Object.entries(coldStart.files)) row(`  ${decodeURIComponent(name)}`, size);
  row('for a new patch', newPatch);
  row('for a new kernel release', newRelease);
  row('when nothing is new', nothingNew);
  return table.toString();
}

function clientTable({ publish, publishNewRelease, coldUpdate, newPatchUpdate }: ClientReport): string {
  const table = costTable('the library takes');
  table.push(
    costRow('to publish a bundle into a folder', publish),
    costRow('to publish the first of a release', publishNewRelease),
    costRow('to verify everything at the first start', coldUpdate),
    costRow('to verify what a new patch brings', newPatchUpdate),
  );
  return table.toString();
}

function machineTable({ bundleBytes, kernel, file }: MachineReport): string {
  const table = costTable(`the agent takes to let ${kilo(bundleBytes)} in`);
  const rows = (over: string, { daemon, first, again, symbolsAnew }: OverSymbols): void => {
    const row = (when: string, { all, metadata, symbols }: Admission): void => {
      table.push(costRow(`${over}, ${when}`, all));
      table.push(costRow('  of that, the metadata', metadata));
      table.push(costRow('  of that, the symbols', symbols));
    };
    row('first in a process that has done nothing before', first);
    table.push(costRow(`${over}, the daemon’s preparing at its start`, daemon.preparing));
    row('first of a daemon that has started', daemon.first);
    row('later in it', again);
    row('later, symbols read anew', symbolsAnew);
  };
  rows(`this kernel’s ${kernel.symbols} symbols`, kernel);
  rows(`${file.symbols} symbols in a file`, file);
  return table.toString();
}

function stageTable({ sign, publish, startMs }: StageReport): string {
  const table = costTable('the stage takes');
  table.push(costRow('from a hot patch to its signed bundle', sign));
  table.push(costRow('from there to the metadata that vouches for it', publish));
  table.push(['to start', startMs.toFixed(0), '']);
  return table.toString();
}

function costTable(what: string): Table.Table {
  return new Table({ head: [what, 'ms', 'processor ms'], style });
}

function costRow(what: string, { ms, cpuMs }: Cost): string[] {
  return [what, ms.toFixed(1), cpuMs.toFixed(1)];
}

function kilo(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
