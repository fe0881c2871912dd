import { Controller, Get, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Answers, Problem } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { machineSummarySchema, type MachineView, machineViewSchema, MachineViews } from '../machine-views.js';
import { MachineTimeline, momentSchema } from '../machine-timeline.js';
import { machineTable } from '../projections/machine.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = { firstPosition: ['firstPosition'], position: ['position'], hostname: ['hostname', 'machineId'] };
const listMachines = listQuery(sorts, {
  state: oneOf(machineTable, 'state'),
  kernel: exactly.describe('What `uname -r` says.'),
  distro: exactly,
  license: exactly.describe('A licence id.'),
  customer: exactly.describe('A customer id.'),
});

const listTimeline = listQuery({ position: ['position', 'index'] }, { type: exactly.describe('A type of event.') });

/** Machines, what runs on them and what is live in it. */
@AdminApi()
@Controller('v1/machines')
export class MachinesController {
  constructor(private readonly timelines: MachineTimeline) {}

  @Get()
  @Answers(pageOf(machineSummarySchema), 'Machines, in the order in which they were first heard of')
  async list(@Query(new ListQuery(listMachines)) query: z.infer<typeof listMachines>, @AsOf() tables: TableReader) {
    const { limit, cursor, sort, state, kernel, distro, license, customer } = query;
    const equal = { state, release: kernel, distro, licenseId: license, customerId: customer };
    const page = await tables.page(machineTable, { order: sort, limit, cursor, equal });
    return { ...page, items: await new MachineViews(tables).summaries(page.items) };
  }

  @Get(':id/timeline')
  @Answers(
    pageOf(momentSchema),
    'Its history: its own events, its licences’ and those of its bundles, in order, in sentences',
  )
  async timeline(
    @Param('id', new KnownId('machine')) id: string,
    @Query(new ListQuery(listTimeline)) { limit, cursor, sort, type }: z.infer<typeof listTimeline>,
    @AsOf() tables: TableReader,
  ) {
    if ((await tables.find(machineTable, { machineId: id })) === undefined) throw Problem.notFound('machine', id);
    return this.timelines.page(tables, id, { order: sort, limit, cursor, equal: { type } });
  }

  @Get(':id')
  @Answers(machineViewSchema, 'A machine: its kernel, what is live in it, and what that fixes')
  async one(@Param('id', new KnownId('machine')) id: string, @AsOf() tables: TableReader): Promise<MachineView> {
    const machine = await tables.find(machineTable, { machineId: id });
    if (machine === undefined) throw Problem.notFound('machine', id);
    return new MachineViews(tables).view(machine);
  }
}
