import type { EventStore } from '../src/port.js';

/** A log under test, and the ways in which the world around it breaks. */
export interface Harness {
  /** Opens a store over the log, as a process of its own would. */
  open(): Promise<EventStore>;
  /** Ends a store as `kill -9` ends its process. */
  kill(store: EventStore): Promise<void>;
  /** Kills the server, and starts it again over the same data. Resolves when it runs again. */
  restartServer(): Promise<void>;
  /** Writes a message past the store: bytes that no program of ours wrote. */
  writeRaw(stream: string, bytes: Uint8Array): Promise<void>;
  /** A command so old that the server has forgotten its id. */
  forgetRecentCommands(): Promise<void>;
  close(): Promise<void>;
}
