import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { aggregateIdSchema, licenseTermsSchema, majorSchema, tierSchema } from '#libs/contracts';
import type { Explanation } from '#libs/licensing';
import { Answers, Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { Commands, type LicenseChange } from '../commands.js';
import { LicenseExplanation } from '../license-explanation.js';
import { LicenseSigner } from '../ports.js';
import { licenseTable } from '../projections/license.js';
import { machineTable, seatedStates } from '../projections/machine.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { IdempotencyKey } from './idempotency-key.js';
import { exactly, listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = { firstPosition: ['firstPosition'], position: ['position'], expiresAt: ['expiresAt', 'licenseId'] };
const listLicenses = listQuery(sorts, {
  state: oneOf(licenseTable, 'state'),
  kind: oneOf(licenseTable, 'kind'),
  customer: exactly.describe('A customer id.'),
});
const issueSchema = z.strictObject({
  customerId: aggregateIdSchema,
  plan: licenseTermsSchema.shape.kind,
  distro: aggregateIdSchema,
  tier: tierSchema.optional(),
  seats: licenseTermsSchema.shape.seats.optional(),
  majors: licenseTermsSchema.shape.majors,
  arches: licenseTermsSchema.shape.arches,
  offlineMaxSec: licenseTermsSchema.shape.offlineMaxSec,
  expiresAt: z.iso.datetime().optional(),
});
const reason = z.string().min(1).max(1024);
const renewSchema = z.strictObject({
  expiresAt: z.iso.datetime().optional().describe('By default the plan’s own period after the last one.'),
  seats: licenseTermsSchema.shape.seats.optional(),
});
const extendSchema = z.strictObject({ days: z.int().min(1).max(366), reason });
const amendSchema = z.strictObject({
  tier: tierSchema.optional(),
  seats: licenseTermsSchema.shape.seats.optional().describe('Fewer than are taken take nobody’s away.'),
  reason,
});
const transferSchema = z.strictObject({ customerId: aggregateIdSchema.describe('Who gets it.'), reason });
const revokeSchema = z.strictObject({ reason });
const explainQuery = z.strictObject({
  machine: aggregateIdSchema.optional().describe('For this machine: its kernel, seat and history.'),
  distro: aggregateIdSchema.optional().describe('Instead of what the machine says.'),
  major: majorSchema.optional(),
  tier: tierSchema.optional().describe('For what has reached this tier.'),
  at: z.iso.datetime().optional().describe('As of then; the rules on seats are told of now alone.'),
});
const issuedSchema = z.object({
  licenseId: aggregateIdSchema,
  terms: licenseTermsSchema,
  token: z.string().describe('The licence as a JWT, for its holder. It is not kept here.'),
});
const changedSchema = z.object({
  licenseId: aggregateIdSchema,
  customerId: aggregateIdSchema,
  terms: licenseTermsSchema,
  rev: z.int(),
});
const citedSchema = z.object({
  id: z.string(),
  type: z.string(),
  at: z.iso.datetime(),
  position: z.int(),
  reason: z.string().optional().describe('What an operator gave as the reason.'),
});
const explanationSchema = z.object({
  entitled: z.boolean(),
  at: z.iso.datetime(),
  terms: licenseTermsSchema,
  rules: z.array(
    z.object({
      rule: z.string(),
      verdict: z.enum(['passes', 'refuses', 'not-asked']),
      reason: z.string().optional(),
      change: z.string().optional().describe('What would change it.'),
      because: z.array(citedSchema).describe('The events that it rests on.'),
    }),
  ),
});
const revokedSchema = z.object({ licenseId: aggregateIdSchema, state: z.literal('revoked') });
const licenseViewSchema = licenseTable.schema.and(
  z.object({ machines: z.int().describe('How many machines have it: those that were released or retired don’t.') }),
);

/** What customers may have. */
@AdminApi()
@Controller('v1/licenses')
export class LicensesController {
  constructor(
    private readonly commands: Commands,
    private readonly signer: LicenseSigner,
    private readonly explanation: LicenseExplanation,
  ) {}

  @Get()
  @Answers(pageOf(licenseTable.schema), 'Licences, in the order in which they were issued')
  list(@Query(new ListQuery(listLicenses)) query: z.infer<typeof listLicenses>, @AsOf() tables: TableReader) {
    const { limit, cursor, sort, state, kind, customer } = query;
    const equal = { state, kind, customerId: customer };
    return tables.page(licenseTable, { order: sort, limit, cursor, equal });
  }

  @Get(':id')
  @Answers(licenseViewSchema, 'A licence, without its token')
  async one(
    @Param('id', new KnownId('licence')) id: string,
    @AsOf() tables: TableReader,
  ): Promise<z.infer<typeof licenseViewSchema>> {
    const license = await tables.find(licenseTable, { licenseId: id });
    if (license === undefined) throw Problem.notFound('licence', id);
    const having = [
      { column: 'licenseId', is: id },
      { column: 'state', in: seatedStates },
    ];
    return { ...license, machines: await tables.count(machineTable, 'machineId', having) };
  }

  @Post()
  @Answers(issuedSchema, 'Issued and signed', 201)
  async issue(
    @Body(new ZodBody(issueSchema)) request: z.infer<typeof issueSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof issuedSchema>> {
    const license = await this.commands.issueLicense(key, request);
    return { licenseId: license.licenseId, terms: license.terms, token: await this.signer.sign(license) };
  }

  @Get(':id/explain')
  @Answers(explanationSchema, 'Whether it lets a machine have something new, by each rule, and what would change that')
  explain(
    @Param('id', new KnownId('licence')) id: string,
    @Query(new ZodBody(explainQuery)) query: z.infer<typeof explainQuery>,
  ): Promise<Explanation> {
    return this.explanation.of(id, query);
  }

  @Post(':id/renewal')
  @Answers(changedSchema, 'It runs for a further period; machines follow at their next lease, with no new token')
  renew(
    @Param('id', new KnownId('licence')) licenseId: string,
    @Body(new ZodBody(renewSchema)) request: z.infer<typeof renewSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof changedSchema>> {
    return this.change(key, licenseId, { type: 'RenewLicense', ...request });
  }

  @Post(':id/extension')
  @Answers(changedSchema, 'It has more days, for a reason that is kept')
  extend(
    @Param('id', new KnownId('licence')) licenseId: string,
    @Body(new ZodBody(extendSchema)) request: z.infer<typeof extendSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof changedSchema>> {
    return this.change(key, licenseId, { type: 'ExtendLicense', ...request });
  }

  @Post(':id/amendment')
  @Answers(changedSchema, 'It has another tier or other seats; machines follow at their next check-in')
  amend(
    @Param('id', new KnownId('licence')) licenseId: string,
    @Body(new ZodBody(amendSchema)) request: z.infer<typeof amendSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof changedSchema>> {
    return this.change(key, licenseId, { type: 'AmendLicense', ...request });
  }

  @Post(':id/transfer')
  @Answers(
    changedSchema,
    'It is another customer’s, who asks for its token; the token before it is worth nothing any more',
  )
  transfer(
    @Param('id', new KnownId('licence')) licenseId: string,
    @Body(new ZodBody(transferSchema)) request: z.infer<typeof transferSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof changedSchema>> {
    return this.change(key, licenseId, { type: 'TransferLicense', ...request });
  }

  @Post(':id/token')
  @Answers(issuedSchema, 'The same licence, signed again for a holder who lost the token')
  async token(@Param('id', new KnownId('licence')) id: string): Promise<z.infer<typeof issuedSchema>> {
    const license = await this.commands.activeLicense(id);
    return { licenseId: id, terms: license.terms, token: await this.signer.sign(license) };
  }

  @Delete(':id')
  @Answers(revokedSchema, 'It brings nothing new from now on; what machines have applied stays')
  async revoke(
    @Param('id', new KnownId('licence')) licenseId: string,
    @Body(new ZodBody(revokeSchema)) { reason }: z.infer<typeof revokeSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof revokedSchema>> {
    await this.commands.revokeLicense(key, licenseId, reason);
    return { licenseId, state: 'revoked' };
  }

  private async change(key: string, id: string, change: LicenseChange): Promise<z.infer<typeof changedSchema>> {
    const { licenseId, customerId, terms, rev } = await this.commands.changeLicense(key, id, change);
    return { licenseId, customerId, terms, rev };
  }
}
