import { type EventData, type Fact, fact, type Mark } from '#libs/contracts';
import { LicensingRefusal } from './refusal.js';

export interface RegisterCustomer {
  readonly type: 'RegisterCustomer';
  readonly customerId: string;
  readonly name: string;
  readonly email?: string;
  /** The mark of the organisation that it belongs to. */
  readonly organisation?: Mark;
}

export type CustomerFact = Fact<'CustomerRegistered'>;
export type CustomerState = { readonly status: 'unknown' } | ({ readonly status: 'registered' } & Registered);
type Registered = EventData<'CustomerRegistered'>;

export const initialCustomer = (): CustomerState => ({ status: 'unknown' });

/** Registers a customer once; the same again changes nothing. @throws LicensingRefusal `customer-exists` */
export function decideCustomer(command: RegisterCustomer, state: CustomerState): readonly CustomerFact[] {
  const { customerId, name, email, organisation } = command;
  if (state.status === 'unknown') {
    const known = {
      ...(email === undefined ? {} : { email }),
      ...(organisation === undefined ? {} : { organisation }),
    };
    return [fact('CustomerRegistered', { customerId, name, ...known })];
  }
  if (state.name === name && state.email === email && state.organisation === organisation) return [];
  throw new LicensingRefusal('customer-exists', `customer ${customerId} is registered with other data`);
}

export function evolveCustomer(_state: CustomerState, event: CustomerFact): CustomerState {
  return { status: 'registered', ...event.data };
}
