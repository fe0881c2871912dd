import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { customerRegistered } from '#libs/contracts';
import { Answers, Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { Commands } from '../commands.js';
import { customerTable } from '../projections/customer.js';
import { AdminApi, KnownId, pageOf } from './api.js';
import { AsOf } from './as-of.js';
import { IdempotencyKey } from './idempotency-key.js';
import { listQuery, ListQuery } from './list-query.js';

const sorts = { firstPosition: ['firstPosition'], position: ['position'], name: ['name', 'customerId'] };
const listCustomers = listQuery(sorts, {});
const registerSchema = z.strictObject({
  ...customerRegistered.omit({ customerId: true, organisation: true }).shape,
  organisation: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('Its name or domain. Customers of one organisation share its trials; only a keyed digest is kept.'),
});
const registeredSchema = customerRegistered.omit({ organisation: true });

/** Who holds licences. */
@AdminApi()
@Controller('v1/customers')
export class CustomersController {
  constructor(private readonly commands: Commands) {}

  @Get()
  @Answers(pageOf(customerTable.schema), 'Customers, in the order in which they were registered')
  list(
    @Query(new ListQuery(listCustomers)) { limit, cursor, sort }: z.infer<typeof listCustomers>,
    @AsOf() tables: TableReader,
  ) {
    return tables.page(customerTable, { order: sort, limit, cursor });
  }

  @Get(':id')
  @Answers(customerTable.schema, 'A customer')
  async one(@Param('id', new KnownId('customer')) id: string, @AsOf() tables: TableReader) {
    const customer = await tables.find(customerTable, { customerId: id });
    if (customer === undefined) throw Problem.notFound('customer', id);
    return customer;
  }

  @Post()
  @Answers(registeredSchema, 'Registered', 201)
  async register(
    @Body(new ZodBody(registerSchema)) request: z.infer<typeof registerSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof registeredSchema>> {
    const { customerId } = await this.commands.registerCustomer(key, request);
    const { organisation: _kept, ...registered } = request;
    return { customerId, ...registered };
  }
}
