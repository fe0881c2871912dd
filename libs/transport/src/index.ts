export { EventStoreContext, EventStoreServer, type EventStoreServerOptions } from './event-store-server.js';
export { connectHandlers, OriginalError } from './listen.js';
export { MemoryRequests } from './memory-requests.js';
export { connectRequests } from './nats-requests.js';
export * from './requests.js';
