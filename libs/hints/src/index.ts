export { Backoff, reconnectDelayMs } from './backoff.js';
export { connectHints, type HintConnection, type HintSource, type HintStatus } from './client.js';
export { HintControl } from './control.js';
export { MemoryHintPublisher } from './memory.js';
export { connectHintPublisher } from './nats.js';
export * from './publisher.js';
export type { HintServers } from './servers.js';
