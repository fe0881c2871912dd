import { z } from 'zod';
import { aggregateIdSchema } from '#libs/contracts';
import { listed } from './read-model.js';
import { sinceShape, table } from './table.js';

const bundleFixSchema = z.object({ bundleId: aggregateIdSchema, fixId: aggregateIdSchema, ...sinceShape });

export const bundleFixTable = table('bundle_fixes', bundleFixSchema, ['bundleId', 'fixId'], ['fixId']);

/** Which bundles bring a fix: its own, and the levels that it is in. */
export const bundleFixes = listed(bundleFixTable, ['BundleAssembled'], ({ fact, position }) => {
  if (fact.type !== 'BundleAssembled') return [];
  const { bundleId, fixIds } = fact.data;
  return [...new Set(fixIds)].map((fixId) => ({ bundleId, fixId, position }));
});
