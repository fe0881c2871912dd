import { z } from 'zod';
import { metadataEvents } from '#libs/contracts';
import { listed } from './read-model.js';
import { table } from './table.js';

const version = z.int().positive().optional();
const publicationSchema = z.object({
  /** Position of its commit in the log. */
  position: z.int().nonnegative(),
  /** Its place within the commit, from 0. */
  index: z.int().nonnegative(),
  at: z.iso.datetime(),
  kind: z.enum(['root', 'metadata', 'pruned']),
  root: version,
  snapshot: version,
  timestamp: version,
  expiresAt: z.iso.datetime().optional(),
  /** How many files are new, or gone. */
  files: z.int().nonnegative(),
  /** Bundles that are vouched for from then on. */
  bundles: z.array(z.string()).optional(),
  /** Bundles that are said to be withdrawn from then on. */
  recalled: z.array(z.string()).optional(),
});

export const publicationTable = table('publications', publicationSchema, ['position', 'index']);

/** What was published of the signed metadata, in order. */
export const publications = listed(
  publicationTable,
  Object.keys(metadataEvents) as (keyof typeof metadataEvents)[],
  ({ position, index, envelope: { at }, fact }) => {
    const place = { position, index, at };
    if (fact.type === 'RootPublished') {
      return [{ ...place, kind: 'root', root: fact.data.version, expiresAt: fact.data.expiresAt, files: 1 }];
    }
    if (fact.type === 'MetadataPruned') return [{ ...place, kind: 'pruned', files: fact.data.files.length }];
    if (fact.type !== 'MetadataPublished') return [];
    const { snapshot, timestamp, expiresAt, files, bundleIds: bundles, recalledIds: recalled } = fact.data;
    return [{ ...place, kind: 'metadata', snapshot, timestamp, expiresAt, files: files.length, bundles, recalled }];
  },
);
