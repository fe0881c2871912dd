import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the attacker makes of an answer's body; undefined lets it through as it is. */
export type Tampering = (path: string, body: Buffer) => Buffer | undefined;

/** Stands between machines and the service: passes all on, and changes what an attack says. */
export class HostileMirror {
  attack: Tampering | undefined;

  private constructor(private readonly server: Server) {}

  static async start(service: string): Promise<HostileMirror> {
    const mirror: HostileMirror = new HostileMirror(
      createServer((asked, answer) => {
        mirror.pass(service, asked, answer);
      }),
    );
    await new Promise<void>((resolve) => mirror.server.listen(0, '127.0.0.1', resolve));
    return mirror;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(service: string, asked: IncomingMessage, answer: ServerResponse): void {
    const { method, url = '/', headers } = asked;
    // Unpacked, so that an attack is on the bytes themselves.
    const onward = request(
      service + url,
      { method, headers: { ...headers, 'accept-encoding': 'identity' } },
      (came) => {
        const chunks: Buffer[] = [];
        came.on('data', (chunk: Buffer) => chunks.push(chunk));
        came.on('end', () => {
          const body = Buffer.concat(chunks);
          const tampered = this.attack?.(url, body);
          const { 'content-length': _length, 'transfer-encoding': _coding, ...rest } = came.headers;
          answer.writeHead(tampered?.length === 0 ? 404 : (came.statusCode ?? 502), rest);
          answer.end(tampered ?? body);
        });
      },
    );
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  }
}

/** Each is tried on a machine that has never had any signed metadata, and must be refused by this code. */
export const attacks: readonly { readonly attack: string; readonly code: string; readonly tamper: Tampering }[] = [
  {
    attack: 'arbitrary installation: a timestamp that nobody signed',
    code: 'metadata-threshold-not-met',
    tamper: (path, body) =>
      path.endsWith('/timestamp.json')
        ? Buffer.from(body.toString().replace(/"sig":"[0-9a-f]+"/g, `"sig":"${'0'.repeat(128)}"`))
        : undefined,
  },
  {
    attack: 'endless data',
    code: 'endless-data',
    tamper: (path) => (path.endsWith('/timestamp.json') ? Buffer.alloc(1024 * 1024, ' ') : undefined),
  },
  {
    attack: 'mix-and-match: another snapshot than the timestamp names',
    code: 'mix-and-match',
    tamper: (path, body) => (path.endsWith('.snapshot.json') ? Buffer.from(body).reverse() : undefined),
  },
  {
    attack: 'a mirror that withholds the snapshot',
    code: 'withheld',
    tamper: (path) => (path.endsWith('.snapshot.json') ? Buffer.alloc(0) : undefined),
  },
  {
    attack: 'wrong target: other bytes than are vouched for',
    code: 'wrong-target',
    tamper: (path, body) => (path.endsWith('/artefact') ? Buffer.alloc(body.length) : undefined),
  },
];
