import type { Stage } from '#libs/service';
import { BuildModule } from '../../build/src/build.module.js';
import { CatalogModule } from '../../catalog/src/catalog.module.js';
import { DiffModule } from '../../diff/src/diff.module.js';
import { FeedModule } from '../../feed/src/feed.module.js';
import { IngestModule } from '../../ingest/src/ingest.module.js';
import { SignModule } from '../../sign/src/sign.module.js';

/** Every stage, in the order of the flow; each has its own durable worker, as it has in a process of its own. */
export const stages: readonly Stage[] = [
  { name: 'ingest', module: IngestModule },
  { name: 'diff', module: DiffModule },
  { name: 'build', module: BuildModule, concurrency: 2 },
  { name: 'sign', module: SignModule },
  { name: 'feed', module: FeedModule },
  { name: 'catalog', module: CatalogModule },
];
