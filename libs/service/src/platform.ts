import { mkdir } from 'node:fs/promises';
import { BlobStore, FolderBlobStore } from '#libs/blobs';
import { connectEventStore, EventStore } from '#libs/eventstore';
import { connectHintPublisher, HintPublisher } from '#libs/hints';
import { connectRequests, Requests } from '#libs/transport';
import { GitTreeStore, TreeStore } from '#libs/trees';
import { AdminToken } from './admin-token.js';
import { openBroker } from './broker.js';
import { Clock, SystemClock } from './clock.js';
import type { ServiceConfig } from './config.js';
import { HintAccess } from './hint-access.js';

/** All that a stage stands on, open and ready. */
export interface Platform {
  readonly config: ServiceConfig;
  readonly events: EventStore;
  readonly blobs: BlobStore;
  readonly trees: TreeStore;
  readonly requests: Requests;
  readonly hints: HintPublisher;
  readonly hintAccess: HintAccess;
  readonly clock: Clock;
  readonly adminToken: AdminToken;
  /** The admin token where it was made just now: the only time that anybody sees it. */
  readonly freshAdminToken?: string;
  /** What an operator should know at start. */
  readonly notices: readonly string[];
  stop(): Promise<void>;
}

/**
 * Opens everything that the stages stand on. `onFailure` hears of what breaks for good later on.
 * @throws ConfigError, EmbeddedNatsError, EventStoreError, HintError: what could not be opened, after closing what was.
 */
export async function openPlatform(config: ServiceConfig, onFailure: (error: Error) => void): Promise<Platform> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o750 });
  const closers: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const broker = await openBroker(config, onFailure);
    closers.push(() => broker.stop());
    const { access: hintAccess } = broker;
    const events = await connectEventStore(broker.service);
    closers.push(() => events.close());
    const requests = await connectRequests(broker.service);
    closers.push(() => requests.close());
    const hints = await connectHintPublisher(broker.publisher);
    closers.push(() => hints.close());
    const blobs = new FolderBlobStore(config.blobsDir);
    const trees = new GitTreeStore(config.treesDir);
    const { token, fresh } = await AdminToken.open(config.dataDir, config.adminToken);
    return {
      config,
      events,
      blobs,
      trees,
      requests,
      hints,
      hintAccess,
      clock: new SystemClock(),
      adminToken: token,
      freshAdminToken: fresh,
      notices: broker.notices,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
