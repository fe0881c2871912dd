import { type BrokerKeys, listenerToken, openBrokerKeys } from '#libs/broker';
import { type Back, ComingBack } from './coming-back.js';
import { Crowd, type FromCrowd, serveOrders, type ToCrowd } from './crowd.js';
import { type Machine, newMachine, seedOf } from './machines.js';
import { NatsSocket, type SocketUser } from './nats-socket.js';

/** What the parent asks of a process of listeners. */
export type ToListeners =
  | {
      readonly do: 'connect';
      readonly port: number;
      readonly subject: string;
      readonly count: number;
      /** Folder of the servers' keys; absent: the server asks for nobody. */
      readonly keysFolder?: string;
    }
  /** From now on all behave as agents do when they lose the service. Answered at once. */
  | { readonly do: 'come-back'; readonly port: number; readonly feedPort: number }
  /** Answers when all are back, or after `limitMs`. */
  | { readonly do: 'await-back'; readonly limitMs: number }
  | ToCrowd;

export interface FromListeners extends FromCrowd {
  readonly back?: Back;
}

/** So many connect at once. */
const width = 200;
const crowd = new Crowd();
let machines: Machine[] = [];
let comingBack: ComingBack | undefined;
let connectAs: (port: number, machine: Machine | undefined, closed: () => void) => NatsSocket;

function userOf(
  keys: BrokerKeys,
  { machineId, privateKey: key, publicJwk: { x } }: Machine,
  subject: string,
): SocketUser {
  const until = new Date(Date.now() + 3_600_000);
  const listener = { machineId, x, subjects: [subject], from: new Date(Date.now() - 60_000), until };
  return { key, token: listenerToken(keys, listener) };
}

async function connectAll({ port, subject, count, keysFolder }: Extract<ToListeners, { do: 'connect' }>) {
  const keys = keysFolder === undefined ? undefined : await openBrokerKeys(keysFolder);
  machines = keys === undefined ? [] : Array.from({ length: count }, newMachine);
  const users = new Map(keys === undefined ? [] : machines.map((one) => [one, userOf(keys, one, subject)]));
  connectAs = (at, machine, closed) => new NatsSocket(at, subject, machine && users.get(machine), crowd.heard, closed);
  let connected = 0;
  for (let begun = 0; begun < count; begun += width) {
    const batch = Array.from({ length: Math.min(width, count - begun) }, (_, n) => {
      const machine = machines[begun + n];
      return connectAs(port, machine, () => {
        crowd.closed();
        if (machine !== undefined) void comingBack?.begin(machine);
      });
    });
    const settled = await Promise.allSettled(batch.map(({ ready }) => ready));
    connected += settled.filter(({ status }) => status === 'fulfilled').length;
  }
  size = count;
  return { connected, machines: machines.map(seedOf) };
}

let size = 0;

serveOrders(async (order: ToListeners): Promise<FromListeners> => {
  if (order.do === 'connect') return connectAll(order);
  if (order.do === 'come-back') {
    const { port, feedPort } = order;
    comingBack = new ComingBack(feedPort, (machine) => connectAs(port, machine, crowd.closed).ready);
    return {};
  }
  if (order.do === 'await-back') {
    const back = await comingBack?.all(size, order.limitMs);
    comingBack = undefined;
    return back === undefined ? {} : { back };
  }
  return crowd.obey(order, size);
});
