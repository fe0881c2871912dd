import { z } from 'zod';
import { aggregateIdSchema, patchedFunctionSchema } from '#libs/contracts';
import { levelIdOf } from './level.js';
import { listed } from './read-model.js';
import { sinceShape, table } from './table.js';

const functionSchema = z.object({
  /** What made it: `fix.<id>`, or `level.<kernel>.<number>`. */
  maker: z.string(),
  kernelId: aggregateIdSchema,
  fixId: aggregateIdSchema.optional(),
  levelId: z.string().optional(),
  ...patchedFunctionSchema.shape,
  ...sinceShape,
});
export type FunctionRow = z.infer<typeof functionSchema>;

export const functionTable = table(
  'functions',
  functionSchema,
  ['maker', 'objectFile', 'symbol', 'sympos', 'newSha256'],
  ['oldSha256', 'newSha256'],
);

/** Every function that a live patch replaces: the bytes it had, and those it gets. */
export const functions = listed(functionTable, ['HotPatchBuilt', 'LevelBuilt'], ({ fact, position }, context) => {
  if (fact.type === 'HotPatchBuilt') {
    const { fixId, kernelId } = fact.data;
    return fact.data.functions.map((one) => ({ maker: `fix.${fixId}`, fixId, kernelId, ...one, position }));
  }
  if (fact.type !== 'LevelBuilt') return [];
  const { kernelId, content } = fact.data;
  const levelId = levelIdOf(fact.data);
  return context
    .levelContent(content)
    .functions.map((one) => ({ maker: `level.${levelId}`, levelId, kernelId, ...one, position }));
});
