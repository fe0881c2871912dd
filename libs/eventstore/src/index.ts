export { EmbeddedNats, type EmbeddedNatsOptions } from './embedded/embedded-nats.js';
export { EmbeddedNatsError, type EmbeddedNatsErrorCode } from './embedded/errors.js';
export { type NatsServers, openConnection } from './jetstream/connection.js';
export { connectEventStore, JetStreamEventStore, type JetStreamOptions } from './jetstream/jetstream-event-store.js';
export { MemoryEventStore, MemoryLog } from './memory/memory-event-store.js';
export * from './port.js';
