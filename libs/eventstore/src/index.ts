export { eventIdOf } from './commit-codec.js';
export { EmbeddedNats, type EmbeddedNatsOptions } from './embedded/embedded-nats.js';
export { EmbeddedNatsError, type EmbeddedNatsErrorCode } from './embedded/errors.js';
export { type NatsServers, openConnection } from './jetstream/connection.js';
export { connectEventStore, JetStreamEventStore, type JetStreamOptions } from './jetstream/jetstream-event-store.js';
export { MemoryEventStore, type MemoryOptions } from './memory/memory-event-store.js';
export { MemoryLog } from './memory/memory-log.js';
export * from './port.js';
export { FollowerBehind, LogFollower } from './follower.js';
