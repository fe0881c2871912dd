import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** Stands between a client and a NATS server, and can let the server fall silent or refuse. */
export class Proxy {
  /** Nothing that comes after a subscription reaches the server any more. */
  swallows = false;
  /** Whoever comes is told that it is not let in. */
  refuses = false;
  /** How many were. */
  refused = 0;
  private readonly clients = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(to: string): Promise<Proxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const proxy = new Proxy(server, `nats://127.0.0.1:${address.port}`);
    const { hostname, port } = new URL(to);
    server.on('connection', (client) => proxy.serve(client, dial(Number(port), hostname)));
    return proxy;
  }

  /** Ends all connections with the error of a token that isn't taken any more. */
  refuse(): void {
    for (const client of this.clients) client.end("-ERR 'Authorization Violation'\r\n");
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private serve(client: Socket, server: Socket): void {
    this.clients.add(client);
    let silent = false;
    client.on('data', (bytes) => {
      if (this.refuses && bytes.includes('CONNECT ')) {
        this.refused += 1;
        client.end("-ERR 'Authorization Violation'\r\n");
        return;
      }
      silent ||= this.swallows && bytes.includes('SUB ');
      if (!silent) server.write(bytes);
    });
    server.on('data', (bytes) => void client.write(bytes));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    client.on('close', () => this.clients.delete(client));
  }
}
