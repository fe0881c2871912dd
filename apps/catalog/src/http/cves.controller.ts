import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { type CveView, cveSummarySchema, cveViewSchema, CveViews } from '../cve-views.js';
import { cveTable } from '../projections/cve.js';
import { AdminApi, Answers, listQuery, pageOf } from './api.js';

const listCves = listQuery({});

/** CVEs that commits and fixes name, and how far their fixes have come. */
@AdminApi()
@Controller('v1/cves')
export class CvesController {
  constructor(
    private readonly tables: TableReader,
    private readonly views: CveViews,
  ) {}

  @Get()
  @Answers(pageOf(cveSummarySchema), 'CVEs by name')
  async list(@Query(new ZodBody(listCves)) { limit, cursor }: z.infer<typeof listCves>) {
    const page = await this.tables.page(cveTable, { order: ['cveId'], limit, cursor });
    return { ...page, items: await this.views.summaries(page.items.map(({ cveId }) => cveId)) };
  }

  @Get(':id')
  @Answers(cveViewSchema, 'A CVE with its commits, fixes and bundles')
  async one(@Param('id') id: string): Promise<CveView> {
    const cve = await this.tables.find(cveTable, { cveId: id });
    if (cve === undefined) throw Problem.notFound('CVE', id.slice(0, 100));
    return this.views.view(cve.cveId);
  }
}
