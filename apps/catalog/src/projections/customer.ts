import { z } from 'zod';
import { customerEvents, customerRegistered } from '#libs/contracts';
import { folded, place } from './read-model.js';
import { placeShape, table } from './table.js';

const customerSchema = z.object({
  ...customerRegistered.shape,
  registeredAt: z.iso.datetime(),
  ...placeShape,
});

export const customerTable = table('customers', customerSchema, ['customerId'], ['firstPosition']);

export const customers = folded(customerTable, customerEvents, (fact) => fact.data.customerId, {
  CustomerRegistered: (row, data, seen) => ({ ...data, registeredAt: seen.at, ...place(row, seen) }),
});
