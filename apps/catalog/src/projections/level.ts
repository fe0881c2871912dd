import { z } from 'zod';
import { levelBuilt, levelEvents, levelProposed, levelRefused } from '#libs/contracts';
import { begun, folded, place, type Seen } from './read-model.js';
import { placeShape, table } from './table.js';

const built = levelBuilt.pick({ module: true, functions: true, warnings: true, runPre: true, leftOut: true });
const refused = levelRefused.pick({ stage: true, reasons: true, conflicts: true });

const levelSchema = z.object({
  /** `<kernel>.<level>` */
  levelId: z.string(),
  ...levelProposed.shape,
  state: z.enum(['proposed', 'built', 'refused']),
  ...built.partial().shape,
  ...refused.partial().shape,
  buildMs: z.int().optional(),
  proposedAt: z.iso.datetime(),
  ...placeShape,
});
export type LevelRow = z.infer<typeof levelSchema>;

export const levelTable = table('levels', levelSchema, ['levelId'], ['firstPosition', 'kernelId']);

/** Names a level of a kernel. */
export function levelIdOf({ kernelId, level }: { readonly kernelId: string; readonly level: number }): string {
  return `${kernelId}.${level}`;
}

const since = (row: LevelRow | undefined, seen: Seen): LevelRow => ({
  ...begun(row, 'the level', seen),
  ...place(row, seen),
});

export const levels = folded(levelTable, levelEvents, (fact) => levelIdOf(fact.data), {
  LevelProposed: (row, data, seen) => ({
    levelId: levelIdOf(data),
    ...data,
    state: 'proposed',
    proposedAt: seen.at,
    ...place(row, seen),
  }),
  LevelBuilt: (row, { durationMs, content: _content, ...data }, seen) => ({
    ...since(row, seen),
    ...data,
    state: 'built',
    buildMs: durationMs,
  }),
  LevelRefused: (row, { durationMs, ...data }, seen) => ({
    ...since(row, seen),
    ...data,
    state: 'refused',
    buildMs: durationMs,
  }),
});
