import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Problem } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { cveMachineSchema, CveMachines } from '../cve-machines.js';
import { exposures } from '../domain/exposure.js';
import { type CveView, cveSummarySchema, cveViewSchema, CveViews } from '../cve-views.js';
import { cveTable } from '../projections/cve.js';
import { AdminApi, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { exactly, listQuery, ListQuery } from './list-query.js';

const sorts = { cveId: ['cveId'], position: ['position', 'cveId'] };
const listCves = listQuery(sorts, {});

const listMachines = listQuery(
  { firstPosition: ['firstPosition'], hostname: ['hostname', 'machineId'] },
  {
    state: z
      .enum(exposures)
      .optional()
      .describe(
        'Of the machines of the page those in this state: a page may be shorter than its limit, and have a next one.',
      ),
    kernel: exactly.describe('What `uname -r` says.'),
    customer: exactly.describe('A customer id.'),
    license: exactly.describe('A licence id.'),
  },
);

/** CVEs that commits and fixes name, and how far their fixes have come. */
@AdminApi()
@Controller('v1/cves')
export class CvesController {
  @Get()
  @Answers(pageOf(cveSummarySchema), 'CVEs by name')
  async list(
    @Query(new ListQuery(listCves)) { limit, cursor, sort }: z.infer<typeof listCves>,
    @AsOf() tables: TableReader,
  ) {
    const page = await tables.page(cveTable, { order: sort, limit, cursor });
    return { ...page, items: await new CveViews(tables).summaries(page.items.map(({ cveId }) => cveId)) };
  }

  @Get(':id/machines')
  @Answers(pageOf(cveMachineSchema), 'Machines: whether each is exposed, fixed live or fixed by reboot, and why')
  async machines(
    @Param('id') id: string,
    @Query(new ListQuery(listMachines)) query: z.infer<typeof listMachines>,
    @AsOf() tables: TableReader,
  ) {
    const cve = (await tables.find(cveTable, { cveId: id })) ?? notFound(id);
    const { limit, cursor, sort, state, kernel, customer, license } = query;
    const equal = { release: kernel, customerId: customer, licenseId: license };
    return new CveMachines(tables).page(cve.cveId, { order: sort, limit, cursor, equal }, state);
  }

  @Get(':id')
  @Answers(cveViewSchema, 'A CVE with its commits, fixes and bundles')
  async one(@Param('id') id: string, @AsOf() tables: TableReader): Promise<CveView> {
    const cve = (await tables.find(cveTable, { cveId: id })) ?? notFound(id);
    return new CveViews(tables).view(cve.cveId);
  }
}

function notFound(id: string): never {
  throw Problem.notFound('CVE', id.slice(0, 100));
}
