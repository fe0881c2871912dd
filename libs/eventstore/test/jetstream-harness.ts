import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { nanos, type NatsConnection } from 'nats';
import { EmbeddedNats, JetStreamEventStore, openConnection } from '../src/index.js';
import type { EventStore } from '../src/port.js';
import type { Harness } from './harness.js';

export const ackWaitMs = 1_000;

/** A real nats-server in a folder of its own. */
export async function jetStreamHarness(): Promise<Harness> {
  const dataDir = await mkdtemp(join(tmpdir(), 'splicecast-eventstore-'));
  const server = await EmbeddedNats.start({ dataDir });
  const connections = new Map<EventStore, NatsConnection>();
  const withAdmin = async (act: (admin: NatsConnection) => Promise<unknown>): Promise<void> => {
    const admin = await openConnection(server.service);
    try {
      await act(admin);
    } finally {
      await admin.close();
    }
  };
  return {
    async open() {
      const connection = await openConnection(server.service);
      const store = await JetStreamEventStore.open(connection, { ackWaitMs });
      connections.set(store, connection);
      return store;
    },
    async kill(store) {
      await connections.get(store)?.close();
    },
    async restartServer() {
      const { pid } = server;
      if (pid === undefined) throw new Error('the server is down already');
      process.kill(pid, 'SIGKILL');
      // EmbeddedNats starts it again, on the same port and data.
      while (server.pid === undefined || server.pid === pid) await wait(10);
    },
    async writeRaw(stream, bytes) {
      await withAdmin((admin) => admin.jetstream().publish(`sc.${stream}`, bytes));
    },
    /** Shrinks the server's memory of message ids, lets it pass, and restores it. */
    async forgetRecentCommands() {
      await withAdmin(async (admin) => {
        const manager = await admin.jetstreamManager();
        const { config } = await manager.streams.info('SPLICECAST');
        await manager.streams.update('SPLICECAST', { ...config, duplicate_window: nanos(100) });
        await wait(300);
        await manager.streams.update('SPLICECAST', config);
      });
    },
    async close() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
