import { bundles } from './bundle.js';
import { customers } from './customer.js';
import { cveCommits, cveFixes, cves } from './cve.js';
import { drops } from './drop.js';
import { dropCommits } from './drop-commit.js';
import { events } from './event.js';
import { fixes } from './fix.js';
import { kernels } from './kernel.js';
import { licenses } from './license.js';
import { machines } from './machine.js';
import { machineUpdates } from './machine-update.js';
import type { ReadModel } from './read-model.js';

/** Everything that the log is folded into. */
export const readModels: readonly ReadModel[] = [
  drops,
  dropCommits,
  kernels,
  fixes,
  bundles,
  customers,
  licenses,
  machines,
  machineUpdates,
  cves,
  cveFixes,
  cveCommits,
  events,
];
