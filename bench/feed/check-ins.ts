import { connect } from 'node:net';
import { serveOrders } from './crowd.js';
import { checkInOf, type Machine, newMachine, seedOf } from './machines.js';
import type { SeededMachine } from './seeds.js';

/** What the parent asks of the process that checks in. */
export type ToCheckIns =
  /** Makes machines. */
  | { readonly do: 'make'; readonly machines: number }
  /** Checks in `count` times over `sockets` connections. Proofs are made before the clock runs. */
  | { readonly do: 'run'; readonly port: number; readonly count: number; readonly sockets: number };

export interface FromCheckIns {
  readonly machines?: readonly SeededMachine[];
  readonly perSec?: number;
  /** Answers by their status. */
  readonly statuses?: Readonly<Record<string, number>>;
}

const machines: Machine[] = [];

/** One connection that asks, waits for the answer, and asks again. */
function ask(port: number, next: () => { text: string; machine: Machine } | undefined, seen: Map<string, number>) {
  return new Promise<void>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let current = next();
    let text = '';
    const send = (): void => {
      if (current === undefined) socket.end();
      else socket.write(current.text);
    };
    socket
      .once('connect', send)
      .once('error', reject)
      .once('close', () => resolve());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const status = text.slice(9, 12);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      const etag = /etag: (\S+)/i.exec(text.slice(0, end))?.[1];
      if (current !== undefined && status === '200' && etag !== undefined) current.machine.etag = etag;
      text = text.slice(end + 4 + length);
      current = next();
      send();
    });
  });
}

async function run(port: number, count: number, sockets: number): Promise<FromCheckIns> {
  const requests: { text: string; machine: Machine }[] = [];
  for (let n = 0; n < count; n += 1) {
    const machine = machines[n % machines.length];
    if (machine !== undefined) requests.push({ text: await checkInOf(machine), machine });
  }
  const seen = new Map<string, number>();
  const began = performance.now();
  await Promise.all(Array.from({ length: sockets }, () => ask(port, () => requests.pop(), seen)));
  const seconds = (performance.now() - began) / 1000;
  return { perSec: count / seconds, statuses: Object.fromEntries(seen) };
}

serveOrders(async (order: ToCheckIns): Promise<FromCheckIns> => {
  if (order.do === 'run') return run(order.port, order.count, order.sockets);
  for (let n = 0; n < order.machines; n += 1) machines.push(newMachine());
  return { machines: machines.map(seedOf) };
});
