import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { standardHttpLimits } from '#libs/tuf';
import { HttpFeed } from '../../apps/agent/src/adapters/http-feed.js';
import { machineKeyOf, newPrivateJwk } from '../../apps/agent/src/adapters/machine-key.js';

export interface WireBytes {
  readonly sent: number;
  readonly received: number;
}

/** A machine's own client, and what passes between it and the feed. */
export class WireMeter {
  private readonly key = machineKeyOf(newPrivateJwk());
  readonly machine = {
    machineId: this.key.machineId,
    keyThumbprint: this.key.keyThumbprint,
    x: this.key.publicJwk.x,
  };

  /** Bytes of a check-in without news, request and answer, in TCP's stream. */
  async measure(port: number): Promise<WireBytes> {
    const bytes = { sent: 0, received: 0 };
    const proxy = createServer((client) => {
      const server = connect({ port, host: '127.0.0.1' });
      client.on('data', (chunk) => {
        bytes.sent += chunk.length;
        server.write(chunk);
      });
      server.on('data', (chunk) => {
        bytes.received += chunk.length;
        client.write(chunk);
      });
      client.on('close', () => server.destroy()).on('error', () => server.destroy());
      server.on('close', () => client.destroy()).on('error', () => client.destroy());
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const address = proxy.address();
    const at = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const feed = new HttpFeed(`http://127.0.0.1:${at}`, this.key, () => new Date(), standardHttpLimits);
    const first = await feed.updates(this.machine.machineId, undefined);
    Object.assign(bytes, { sent: 0, received: 0 });
    const second = await feed.updates(this.machine.machineId, first?.etag);
    if (second !== undefined) throw new Error('there was news');
    proxy.close();
    return { ...bytes };
  }
}
