import { createServer } from 'node:net';
import { EmbeddedNatsError } from './errors.js';

/**
 * Finds a port to listen on. The server gets a fixed one even where any will do, so that it can come back on it after a crash.
 * @throws EmbeddedNatsError `port-in-use` if the port that was asked for is taken.
 */
export async function freePort(host: string, asked: number | undefined): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const reason = taken ? 'is in use by another program: choose another one' : `can't be used: ${error.message}`;
      const code = taken ? 'port-in-use' : 'server-failed';
      reject(new EmbeddedNatsError(code, `port ${asked ?? 0} of ${host} ${reason}`, { cause: error }));
    });
    probe.listen({ host, port: asked ?? 0, exclusive: true }, () => {
      const address = probe.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      probe.close(() => {
        if (port === undefined) reject(new EmbeddedNatsError('server-failed', `no port is free on ${host}`));
        else resolve(port);
      });
    });
  });
}
