import { Controller, Get, Param } from '@nestjs/common';
import { digestSchema } from '#libs/contracts';
import { Answers, Problem } from '#libs/service';
import type { TableReader } from '../adapters/table-reader.js';
import { type Provenance, Provenances, provenanceSchema } from '../provenance.js';
import { AdminApi } from './api.js';
import { AsOf } from './as-of.js';

/** Functions of kernels by the SHA-256 of their bytes. */
@AdminApi()
@Controller('v1/functions')
export class FunctionsController {
  @Get(':sha256/provenance')
  @Answers(
    provenanceSchema,
    'Where its bytes come from: the fix, its commits, their hunks of the monolith, and the bundles with it',
  )
  async provenance(@Param('sha256') sha256: string, @AsOf() tables: TableReader): Promise<Provenance> {
    const known = digestSchema.safeParse(sha256).success ? await new Provenances(tables).of(sha256) : undefined;
    if (known === undefined) throw Problem.notFound('function with the digest', sha256.slice(0, 100));
    return known;
  }
}
