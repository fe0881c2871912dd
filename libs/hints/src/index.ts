export { connectHints, type HintConnection, type HintSource, type HintStatus } from './client.js';
export { MemoryHintPublisher } from './memory.js';
export { connectHintPublisher, type HintServers } from './nats.js';
export * from './publisher.js';
