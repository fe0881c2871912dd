import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { customerRegistered } from '#libs/contracts';
import { Problem, ZodBody } from '#libs/service';
import { TableReader } from '../adapters/table-reader.js';
import { Commands } from '../commands.js';
import { customerTable } from '../projections/customer.js';
import { AdminApi, Answers, Idempotent, KnownId, listQuery, pageOf } from './api.js';
import { IdempotencyKey } from './idempotency-key.js';

const listCustomers = listQuery({});
const registerSchema = z.strictObject(customerRegistered.omit({ customerId: true }).shape);

/** Who holds licences. */
@AdminApi()
@Controller('v1/customers')
export class CustomersController {
  constructor(
    private readonly tables: TableReader,
    private readonly commands: Commands,
  ) {}

  @Get()
  @Answers(pageOf(customerTable.schema), 'Customers, in the order in which they were registered')
  list(@Query(new ZodBody(listCustomers)) { limit, cursor }: z.infer<typeof listCustomers>) {
    return this.tables.page(customerTable, { order: ['firstPosition'], limit, cursor });
  }

  @Get(':id')
  @Answers(customerTable.schema, 'A customer')
  async one(@Param('id', new KnownId('customer')) id: string) {
    const customer = await this.tables.find(customerTable, { customerId: id });
    if (customer === undefined) throw Problem.notFound('customer', id);
    return customer;
  }

  @Post()
  @Idempotent()
  @Answers(customerRegistered, 'Registered', 201)
  async register(
    @Body(new ZodBody(registerSchema)) request: z.infer<typeof registerSchema>,
    @IdempotencyKey() key: string,
  ): Promise<z.infer<typeof customerRegistered>> {
    const { customerId } = await this.commands.registerCustomer(key, request);
    return { customerId, ...request };
  }
}
