import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { aggregateIdSchema, licenseTermsSchema, tierSchema } from '#libs/contracts';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { Commands } from '../commands.js';
import { LicenseSigner } from '../ports.js';
import { licenseTable } from '../projections/license.js';
import { machineTable } from '../projections/machine.js';
import { AdminApi, Answers, exactly, Idempotent, KnownId, listQuery, pageOf } from './api.js';
import { IdempotencyKey } from './idempotency-key.js';

const listLicenses = listQuery({ state: exactly, kind: exactly, customer: exactly.describe('A customer id.') });
const issueSchema = z.strictObject({
  customerId: aggregateIdSchema,
  plan: licenseTermsSchema.shape.kind,
  distro: aggregateIdSchema,
  tier: tierSchema.optional(),
  seats: licenseTermsSchema.shape.seats.optional(),
  expiresAt: z.iso.datetime().optional(),
});
const revokeSchema = z.strictObject({ reason: z.string().min(1).max(1024) });
const issuedSchema = z.object({
  licenseId: aggregateIdSchema,
  terms: licenseTermsSchema,
  token: z.string().describe('The licence as a JWT, for its holder. It is not kept here.'),
});
const revokedSchema = z.object({ licenseId: aggregateIdSchema, state: z.literal('revoked') });
const licenseViewSchema = licenseTable.schema.and(
  z.object({ machines: z.int().describe('How many machines were enrolled with it.') }),
);

/** What customers may have. */
@AdminApi()
@Controller('v1/licenses')
export class LicensesController {
  constructor(
    private readonly tables: TableReader,
    private readonly commands: Commands,
    private readonly signer: LicenseSigner,
  ) {}

  @Get()
  @Answers(pageOf(licenseTable.schema), 'Licences, in the order in which they were issued')
  list(@Query(new ZodBody(listLicenses)) query: z.infer<typeof listLicenses>) {
    const { limit, cursor, state, kind, customer } = query;
    const equal = { state, kind, customerId: customer };
    return this.tables.page(licenseTable, { order: ['firstPosition'], limit, cursor, equal });
  }

  @Get(':id')
  @Answers(licenseViewSchema, 'A licence, without its token')
  async one(@Param('id', new KnownId('licence')) id: string): Promise<z.infer<typeof licenseViewSchema>> {
    const license = await this.tables.find(licenseTable, { licenseId: id });
    if (license === undefined) throw Problem.notFound('licence', id);
    return { ...license, machines: await this.tables.count(machineTable, 'licenseId', id) };
  }

  @Post()
  @Idempotent()
  @Answers(issuedSchema, 'Issued and signed', 201)
  async issue(
    @Body(new ZodBody(issueSchema)) request: z.infer<typeof issueSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof issuedSchema>> {
    const license = await this.commands.issueLicense(key, request);
    return { licenseId: license.licenseId, terms: license.terms, token: await this.signer.sign(license) };
  }

  @Post(':id/token')
  @Answers(issuedSchema, 'The same licence, signed again for a holder who lost the token')
  async token(@Param('id', new KnownId('licence')) id: string): Promise<z.infer<typeof issuedSchema>> {
    const license = await this.commands.activeLicense(id);
    return { licenseId: id, terms: license.terms, token: await this.signer.sign(license) };
  }

  @Delete(':id')
  @Idempotent()
  @Answers(revokedSchema, 'It brings nothing new from now on; what machines have applied stays')
  async revoke(
    @Param('id', new KnownId('licence')) licenseId: string,
    @Body(new ZodBody(revokeSchema)) { reason }: z.infer<typeof revokeSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof revokedSchema>> {
    await this.commands.revokeLicense(key, licenseId, reason);
    return { licenseId, state: 'revoked' };
  }
}
