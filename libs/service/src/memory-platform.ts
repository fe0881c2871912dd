import { type BlobStore, MemoryBlobStore } from '#libs/blobs';
import { MemoryEventStore } from '#libs/eventstore';
import { MemoryHintPublisher } from '#libs/hints';
import { MemoryRequests } from '#libs/transport';
import type { TreeStore } from '#libs/trees';
import { AdminToken } from './admin-token.js';
import { type Clock, SystemClock } from './clock.js';
import type { ServiceConfig } from './config.js';
import { PasswordHintAccess } from './hint-access.js';
import type { Platform } from './platform.js';

/** What a platform in memory is told; what is absent is made. */
export interface MemoryParts {
  readonly config: ServiceConfig;
  readonly trees: TreeStore;
  readonly adminToken: string;
  readonly events?: MemoryEventStore;
  readonly blobs?: BlobStore;
  readonly clock?: Clock;
}

/** What a stage stands on, with the in-memory twins of the log, the requests and the hints: a stage by itself, without servers. */
export function memoryPlatform(parts: MemoryParts): Platform & { readonly requests: MemoryRequests } {
  const { config, trees, adminToken, blobs = new MemoryBlobStore(), clock = new SystemClock() } = parts;
  const events = parts.events ?? new MemoryEventStore();
  return {
    config,
    events,
    blobs,
    trees,
    requests: new MemoryRequests(),
    hints: new MemoryHintPublisher(),
    hintAccess: new PasswordHintAccess({ port: 1 }, { user: 'agent', password: 'agent' }),
    clock,
    adminToken: AdminToken.of(adminToken),
    notices: [],
    stop: () => events.close(),
  };
}
