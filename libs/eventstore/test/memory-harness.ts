import { setTimeout as wait } from 'node:timers/promises';
import { MemoryEventStore, MemoryLog } from '../src/index.js';
import type { EventStore, StreamName } from '../src/port.js';
import type { Harness } from './harness.js';

export async function memoryHarness(): Promise<Harness> {
  const log = new MemoryLog();
  return {
    open: async () => new MemoryEventStore(log),
    async kill(store: EventStore) {
      if (store instanceof MemoryEventStore) store.kill();
    },
    async restartServer() {
      log.stop();
      await wait(50);
      log.start();
    },
    async writeRaw(stream, bytes) {
      log.commits.push({ position: log.commits.length + 1, stream: stream as StreamName, commandKey: '', bytes });
      log.changed();
    },
    forgetRecentCommands: async () => undefined,
    close: async () => undefined,
  };
}
