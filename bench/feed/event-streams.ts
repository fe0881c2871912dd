import { connect } from 'node:net';
import { Crowd, type FromCrowd, serveOrders, type ToCrowd } from './crowd.js';
import { type Machine, newMachine, requestOf, seedOf } from './machines.js';

/** What the parent asks of a process of machines that listen by server-sent events. */
export type ToStreams =
  { readonly do: 'make'; readonly count: number } | { readonly do: 'connect'; readonly port: number } | ToCrowd;

const crowd = new Crowd();
let machines: Machine[] = [];

/** Listens until it is closed. Resolves when the stream has begun. */
async function listen(machine: Machine, port: number): Promise<void> {
  const request = await requestOf(machine, 'hints', ['accept: text/event-stream']);
  await new Promise<void>((resolve, reject) => {
    let text = '';
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(request));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        if (/^event: open$/m.test(text.slice(0, end))) resolve();
        else if (/^event: hint$/m.test(text.slice(0, end))) crowd.heard();
        // The service says that it is over, and closes only after.
        else if (/^event: end$/m.test(text.slice(0, end))) socket.end();
        text = text.slice(end + 2);
      }
    });
    socket.once('error', reject).once('close', () => {
      reject(new Error(`the stream did not begin: ${text.slice(0, 200)}`));
      crowd.closed();
    });
  });
}

serveOrders(async (order: ToStreams): Promise<FromCrowd> => {
  if (order.do === 'make') {
    machines = Array.from({ length: order.count }, newMachine);
    return { machines: machines.map(seedOf) };
  }
  if (order.do !== 'connect') return crowd.obey(order, machines.length);
  let connected = 0;
  for (let begun = 0; begun < machines.length; begun += 50) {
    const batch = machines.slice(begun, begun + 50).map((machine) => listen(machine, order.port));
    connected += (await Promise.allSettled(batch)).filter(({ status }) => status === 'fulfilled').length;
  }
  return { connected };
});
