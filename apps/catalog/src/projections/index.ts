import { bundleFixes } from './bundle-fix.js';
import { bundles } from './bundle.js';
import { calls } from './call.js';
import { commitHunks } from './commit-hunk.js';
import { customers } from './customer.js';
import { cveCommits, cveFixes, cves } from './cve.js';
import { drops } from './drop.js';
import { dropCommits } from './drop-commit.js';
import { events } from './event.js';
import { fixes } from './fix.js';
import { functions } from './function.js';
import { kernels } from './kernel.js';
import { levels } from './level.js';
import { licenses } from './license.js';
import { machines } from './machine.js';
import { machineUpdates } from './machine-update.js';
import { publications } from './publication.js';
import type { ReadModel } from './read-model.js';
import { tokens } from './token.js';

/** Everything that the log is folded into. */
export const readModels: readonly ReadModel[] = [
  drops,
  dropCommits,
  commitHunks,
  kernels,
  fixes,
  functions,
  levels,
  bundles,
  bundleFixes,
  customers,
  licenses,
  machines,
  machineUpdates,
  cves,
  cveFixes,
  cveCommits,
  tokens,
  calls,
  publications,
  events,
];
