import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { aggregateIdSchema, tokenIssued } from '#libs/contracts';
import { Answers, Needs, Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { tokenTable } from '../projections/token.js';
import { TokenCommands } from '../token-commands.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { IdempotencyKey } from './idempotency-key.js';
import { listQuery, ListQuery, oneOf } from './list-query.js';

const sorts = { firstPosition: ['firstPosition'], position: ['position'], name: ['name', 'tokenId'] };
const listTokens = listQuery(sorts, { state: oneOf(tokenTable, 'state'), role: oneOf(tokenTable, 'role') });
const issueSchema = z.strictObject(tokenIssued.pick({ name: true, role: true, expiresAt: true }).shape);
const rotateSchema = z.strictObject({
  overlapSec: z.int().min(0).default(3600).describe('How long the secret before works on; at most a week.'),
});
const revokeSchema = z.strictObject({ reason: z.string().min(1).max(1024) });
const freshSchema = z.object({
  tokenId: aggregateIdSchema,
  secret: z.string().describe('Shown now and never again; only its hash is kept.'),
});
const revokedSchema = z.object({ tokenId: aggregateIdSchema, state: z.literal('revoked') });

/** Who may use this API, and how far. */
@AdminApi()
@Needs('admin')
@Controller('v1/tokens')
export class TokensController {
  constructor(private readonly commands: TokenCommands) {}

  @Get()
  @Answers(pageOf(tokenTable.schema), 'Tokens, in the order in which they were issued')
  list(
    @Query(new ListQuery(listTokens)) { limit, cursor, sort, ...equal }: z.infer<typeof listTokens>,
    @AsOf() tables: TableReader,
  ) {
    return tables.page(tokenTable, { order: sort, limit, cursor, equal });
  }

  @Get(':id')
  @Answers(tokenTable.schema, 'A token, without its secret')
  async one(@Param('id', new KnownId('token')) id: string, @AsOf() tables: TableReader) {
    const token = await tables.find(tokenTable, { tokenId: id });
    if (token === undefined) throw Problem.notFound('token', id);
    return token;
  }

  @Post()
  @Answers(freshSchema, 'Issued: a viewer reads, an operator changes things, an admin gives tokens too', 201)
  issue(
    @Body(new ZodBody(issueSchema)) request: z.infer<typeof issueSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof freshSchema>> {
    return this.commands.issue(key, request);
  }

  @Post(':id/rotation')
  @Answers(freshSchema, 'It has a new secret; the one before works on for a while')
  rotate(
    @Param('id', new KnownId('token')) tokenId: string,
    @Body(new ZodBody(rotateSchema)) { overlapSec }: z.infer<typeof rotateSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof freshSchema>> {
    return this.commands.rotate(key, tokenId, overlapSec);
  }

  @Delete(':id')
  @Answers(revokedSchema, 'Nobody gets in with it any more')
  async revoke(
    @Param('id', new KnownId('token')) tokenId: string,
    @Body(new ZodBody(revokeSchema)) { reason }: z.infer<typeof revokeSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof revokedSchema>> {
    await this.commands.revoke(key, tokenId, reason);
    return { tokenId, state: 'revoked' };
  }
}
