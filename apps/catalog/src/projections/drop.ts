import { z } from 'zod';
import { dropEvents, dropSplit, reasonSchema, sourceDropReceived, sourceDropUnpacked } from '#libs/contracts';
import { begun, folded, place, type Seen } from './read-model.js';
import { placeShape, table } from './table.js';

const unpacked = sourceDropUnpacked.pick({ format: true, version: true, tree: true, bytes: true, changelog: true });
const split = dropSplit.omit({ dropId: true, base: true, onto: true, files: true, durationMs: true });

const dropSchema = z.object({
  ...sourceDropReceived.shape,
  state: z.enum(['received', 'unpacked', 'split', 'rejected']),
  reasons: z.array(reasonSchema).optional(),
  ...unpacked.partial().shape,
  /** Files in the tree. */
  files: z.int().optional(),
  unpackMs: z.int().optional(),
  ...split.partial().shape,
  /** Files that the split step changes. */
  filesChanged: z.int().optional(),
  splitMs: z.int().optional(),
  receivedAt: z.iso.datetime(),
  ...placeShape,
});
export type DropRow = z.infer<typeof dropSchema>;

export const dropTable = table('drops', dropSchema, ['dropId'], ['firstPosition']);

const since = (row: DropRow | undefined, seen: Seen): DropRow => ({
  ...begun(row, 'the drop', seen),
  ...place(row, seen),
});

export const drops = folded(dropTable, dropEvents, (fact) => fact.data.dropId, {
  SourceDropReceived: (row, data, seen) => ({
    ...data,
    state: 'received',
    receivedAt: seen.at,
    ...place(row, seen),
  }),
  SourceDropUnpacked: (row, { durationMs, ...data }, seen) => ({
    ...since(row, seen),
    ...data,
    state: 'unpacked',
    unpackMs: durationMs,
  }),
  SourceDropRejected: (row, { reasons }, seen) => ({ ...since(row, seen), state: 'rejected', reasons }),
  DropSplit: (row, { durationMs, files, onto: _published, ...data }, seen) => ({
    ...since(row, seen),
    ...data,
    state: 'split',
    filesChanged: files,
    splitMs: durationMs,
  }),
});
