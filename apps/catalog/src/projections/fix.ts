import { z } from 'zod';
import { fixEvents, fixProposed, hotPatchBuilt, hotPatchRefused, reasonSchema } from '#libs/contracts';
import { begun, folded, place, type Seen } from './read-model.js';
import { pastOrder, placeShape, table } from './table.js';

const built = hotPatchBuilt.pick({ module: true, functions: true, runPre: true, warnings: true, brings: true });

const fixSchema = z.object({
  ...fixProposed.shape,
  state: z.enum(['proposed', 'built', 'refused']),
  ...built.partial().shape,
  /** How many objects were compiled before and after. */
  objects: z.int().optional(),
  /** The step that refused it. */
  stage: hotPatchRefused.shape.stage.optional(),
  /** Why it was refused, all of it. */
  reasons: z.array(reasonSchema).optional(),
  buildMs: z.int().optional(),
  proposedAt: z.iso.datetime(),
  ...placeShape,
});
export type FixRow = z.infer<typeof fixSchema>;

export const fixTable = table('fixes', fixSchema, ['fixId'], ['firstPosition', 'kernelId'], [pastOrder, 'kernelId']);

const since = (row: FixRow | undefined, seen: Seen): FixRow => ({
  ...begun(row, 'the fix', seen),
  ...place(row, seen),
});

export const fixes = folded(fixTable, fixEvents, (fact) => fact.data.fixId, {
  FixProposed: (row, data, seen) => ({ ...data, state: 'proposed', proposedAt: seen.at, ...place(row, seen) }),
  ObjectsBuilt: (row, { objects }, seen) => ({ ...since(row, seen), objects: objects.length }),
  HotPatchBuilt: (row, { durationMs, ...data }, seen) => {
    const { stage: _stage, reasons: _reasons, ...fix } = since(row, seen);
    return { ...fix, ...data, state: 'built', buildMs: durationMs };
  },
  HotPatchRefused: (row, { stage, reasons, durationMs }, seen) => ({
    ...since(row, seen),
    state: 'refused',
    stage,
    reasons,
    buildMs: durationMs,
  }),
  RunPreMismatch: (row, { mismatches }, seen) => ({
    ...since(row, seen),
    state: 'refused',
    stage: 'match',
    reasons: mismatches,
  }),
});
