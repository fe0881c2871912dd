import { Controller, Get, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { machineSummarySchema, type MachineView, machineViewSchema, MachineViews } from '../machine-views.js';
import { machineTable } from '../projections/machine.js';
import { AdminApi, Answers, exactly, KnownId, listQuery, pageOf } from './api.js';

const listMachines = listQuery({
  state: exactly,
  kernel: exactly.describe('What `uname -r` says.'),
  distro: exactly,
  license: exactly.describe('A licence id.'),
  customer: exactly.describe('A customer id.'),
});

/** Machines, what runs on them and what is live in it. */
@AdminApi()
@Controller('v1/machines')
export class MachinesController {
  constructor(
    private readonly tables: TableReader,
    private readonly views: MachineViews,
  ) {}

  @Get()
  @Answers(pageOf(machineSummarySchema), 'Machines, in the order in which they were first heard of')
  async list(@Query(new ZodBody(listMachines)) query: z.infer<typeof listMachines>) {
    const { limit, cursor, state, kernel, distro, license, customer } = query;
    const equal = { state, release: kernel, distro, licenseId: license, customerId: customer };
    const page = await this.tables.page(machineTable, { order: ['firstPosition'], limit, cursor, equal });
    return { ...page, items: await this.views.summaries(page.items) };
  }

  @Get(':id')
  @Answers(machineViewSchema, 'A machine: its kernel, what is live in it, and what that fixes')
  async one(@Param('id', new KnownId('machine')) id: string): Promise<MachineView> {
    const machine = await this.tables.find(machineTable, { machineId: id });
    if (machine === undefined) throw Problem.notFound('machine', id);
    return this.views.view(machine);
  }
}
