import { fact } from '#libs/contracts';
import {
  type CustomerFact,
  decideCustomer,
  evolveCustomer,
  initialCustomer,
  markOf,
  organisationName,
  type RegisterCustomer,
} from './index.js';

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

  it('may belong to an organisation, by its mark', () => {
    const organisation = markOf(Buffer.alloc(32, 1), 'organisation', organisationName('  Acme   GmbH '));
    const decided = decideCustomer({ ...register, organisation }, after());
    expect(decided).toEqual([fact('CustomerRegistered', { ...registered.data, organisation })]);
    expect(decideCustomer({ ...register, organisation }, after(...decided))).toEqual([]);
    expect(() => decideCustomer(register, after(...decided))).toThrow(
      expect.objectContaining({ code: 'customer-exists' }),
    );
  });
});

describe('a mark', () => {
  const pepper = Buffer.alloc(32, 1);
  it('is the same for the same thing, however it is spelt, and for nothing else', () => {
    const mark = (name: string) => markOf(pepper, 'organisation', organisationName(name));
    expect(mark('ACME gmbh')).toBe(mark(' Acme  GmbH'));
    const others = [
      mark('Acme'),
      markOf(pepper, 'hardware', 'acme gmbh'),
      markOf(Buffer.alloc(32, 2), 'organisation', 'acme gmbh'),
    ];
    expect(new Set([mark('Acme GmbH'), ...others]).size).toBe(4);
  });

  it('needs a pepper that nobody guesses', () =>
    expect(() => markOf(Buffer.alloc(31), 'hardware', 'x')).toThrow(RangeError));
});
