import { fact } from '#libs/contracts';
import { type CustomerFact, decideCustomer, evolveCustomer, initialCustomer, type RegisterCustomer } from './index.js';

const register: RegisterCustomer = {
  type: 'RegisterCustomer',
  customerId: 'acme',
  name: 'Acme',
  email: 'ops@acme.test',
};
const registered = fact('CustomerRegistered', { customerId: 'acme', name: 'Acme', email: 'ops@acme.test' });
const after = (...past: CustomerFact[]) => past.reduce(evolveCustomer, initialCustomer());

describe('a customer', () => {
  it('is registered', () => expect(decideCustomer(register, after())).toEqual([registered]));

  it('needs no address', () =>
    expect(decideCustomer({ ...register, email: undefined }, after())).toEqual([
      fact('CustomerRegistered', { customerId: 'acme', name: 'Acme' }),
    ]));

  it('is registered once', () => expect(decideCustomer(register, after(registered))).toEqual([]));

  it('is not registered again with other data', () =>
    expect(() => decideCustomer({ ...register, name: 'Other' }, after(registered))).toThrow(
      expect.objectContaining({ code: 'customer-exists' }),
    ));
});
