import { sign, type KeyObject } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** As whom a connection comes; nobody where the server asks for nobody. */
export interface SocketUser {
  readonly token: string;
  readonly key: KeyObject;
}

/**
 * A connection to a NATS server that listens on one subject, as little of a client as can be: ten thousand of them in one process should not
 * be what is measured.
 */
export class NatsSocket {
  private readonly socket: Socket;
  private text = '';
  private greeted = false;
  private refusal = 'the server closed the connection';
  /** Resolves when the server has taken the subscription; rejects where it refuses. */
  readonly ready: Promise<void>;

  constructor(port: number, subject: string, user: SocketUser | undefined, heard: () => void, closed: () => void) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.ready = new Promise((resolve, reject) => {
      this.socket.once('error', reject);
      this.socket.once('close', () => {
        reject(new Error(this.refusal));
        closed();
      });
      this.socket.on('data', (chunk) => this.read(chunk.toString('latin1'), { subject, user, heard, resolve }));
    });
    this.ready.catch(() => undefined);
  }

  end(): void {
    this.socket.destroy();
  }

  private read(
    chunk: string,
    on: { subject: string; user: SocketUser | undefined; heard: () => void; resolve: () => void },
  ): void {
    this.text += chunk;
    for (let end = this.text.indexOf('\r\n'); end >= 0; end = this.text.indexOf('\r\n')) {
      const line = this.text.slice(0, end);
      let rest = end + 2;
      // Later ones only say what has changed.
      if (line.startsWith('INFO ') && !this.greeted) this.greet(JSON.parse(line.slice(5)) as { nonce?: string }, on);
      else if (line === 'PING') this.socket.write('PONG\r\n');
      else if (line === 'PONG') on.resolve();
      else if (line.startsWith('-ERR ')) this.refusal = line.slice(5);
      else if (line.startsWith('MSG ')) {
        rest += Number(line.slice(line.lastIndexOf(' ') + 1)) + 2;
        if (this.text.length < rest) return;
        on.heard();
      }
      this.text = this.text.slice(rest);
    }
  }

  private greet({ nonce = '' }: { nonce?: string }, on: { subject: string; user: SocketUser | undefined }): void {
    this.greeted = true;
    const as =
      on.user === undefined
        ? {}
        : { jwt: on.user.token, sig: sign(null, Buffer.from(nonce), on.user.key).toString('base64url') };
    const options = { verbose: false, pedantic: false, lang: 'bench', version: '1', protocol: 1, ...as };
    this.socket.write(`CONNECT ${JSON.stringify(options)}\r\nSUB ${on.subject} 1\r\nPING\r\n`);
  }
}
