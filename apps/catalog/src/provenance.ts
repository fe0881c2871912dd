import { z } from 'zod';
import { patchedFunctionSchema } from '#libs/contracts';
import type { TableReader } from './adapters/table-reader.js';
import { bundleFixTable } from './projections/bundle-fix.js';
import { bundleTable } from './projections/bundle.js';
import { commitHunkTable } from './projections/commit-hunk.js';
import { dropCommitTable } from './projections/drop-commit.js';
import { type FixRow, fixTable } from './projections/fix.js';
import { type FunctionRow, functionTable } from './projections/function.js';
import { kernelTable } from './projections/kernel.js';
import { levelTable } from './projections/level.js';

/** As many functions as have the same bytes: empty ones of many files, at the most. */
const maxFunctions = 50;

const commitSchema = dropCommitTable.schema.and(
  z.object({
    /** Whether it is the fix's own commit, or one that the fix can't do without. */
    role: z.enum(['fix', 'brought']),
    /** Where the monolithic step between two drops has its changes: those of the function's own source file first. */
    hunks: z.array(commitHunkTable.schema.and(z.object({ ofItsObject: z.boolean() }))),
  }),
);
const fixSchema = fixTable.schema.and(z.object({ commits: z.array(commitSchema) }));

/** From a function's bytes back to the lines of the monolith that made them, and on to the bundles that carry them. */
export const provenanceSchema = z.object({
  sha256: z.string(),
  items: z.array(
    z.object({
      /** Whether these are the bytes that the vendor shipped, or those that a live patch brings. */
      bytes: z.enum(['original', 'patched']),
      function: patchedFunctionSchema,
      kernel: z.object({
        kernelId: z.string(),
        release: z.string().optional(),
        version: z.string().optional(),
        buildId: z.string().optional(),
      }),
      levelId: z.string().optional(),
      fixes: z.array(fixSchema),
      bundles: z.array(
        z.object({ bundleId: z.string(), state: z.string(), tier: z.string().optional(), level: z.int().optional() }),
      ),
    }),
  ),
});
export type Provenance = z.infer<typeof provenanceSchema>;
type Item = Provenance['items'][number];
type Fix = Item['fixes'][number];

/** Traces functions, as of the moment that the tables are read as of. */
export class Provenances {
  constructor(private readonly tables: TableReader) {}

  /** What is known of bytes with this SHA-256; undefined if no live patch replaces or brings them. */
  async of(sha256: string): Promise<Provenance | undefined> {
    const found: FunctionRow[] = [];
    for (const column of ['newSha256', 'oldSha256']) {
      const where = [{ column, is: sha256 }];
      found.push(
        ...(await this.tables.select(functionTable, {
          where,
          order: { columns: ['position', ...functionTable.key] },
          limit: maxFunctions,
        })),
      );
    }
    if (found.length === 0) return undefined;
    const items: Item[] = [];
    for (const row of found.slice(0, maxFunctions)) items.push(await this.itemOf(row, sha256));
    return { sha256, items };
  }

  private async itemOf(row: FunctionRow, sha256: string): Promise<Item> {
    const { maker: _maker, kernelId, fixId: _fixId, levelId, position: _position, ...patched } = row;
    const kernel = await this.tables.find(kernelTable, { kernelId });
    const fixes = await this.fixesOf(row);
    const traced: Fix[] = [];
    for (const fix of fixes) traced.push({ ...fix, commits: await this.commitsOf(fix, row.objectFile) });
    return {
      bytes: row.newSha256 === sha256 ? 'patched' : 'original',
      function: patched,
      kernel: { kernelId, release: kernel?.release, version: kernel?.version, buildId: kernel?.buildId },
      levelId,
      fixes: traced,
      bundles: await this.bundlesOf(row),
    };
  }

  /** The fix that made it; of a level those of its fixes that replace the same function. */
  private async fixesOf({ fixId, levelId, objectFile, symbol }: FunctionRow): Promise<readonly FixRow[]> {
    if (fixId !== undefined) return this.tables.where(fixTable, 'fixId', [fixId]);
    const level = await this.tables.find(levelTable, { levelId: levelId ?? '' });
    const makers = (level?.fixIds ?? []).map((id) => `fix.${id}`);
    const same = await this.tables.where(functionTable, 'maker', makers, { objectFile, symbol });
    return this.tables.where(
      fixTable,
      'fixId',
      same.flatMap((one) => one.fixId ?? []),
    );
  }

  private async commitsOf({ source, brings = [] }: FixRow, objectFile: string): Promise<Fix['commits']> {
    const own = source.kind === 'commit' ? [source.commit] : [];
    const ids = [...own, ...brings.map(({ commit }) => commit)];
    const commits = await this.tables.where(dropCommitTable, 'commit', ids);
    const hunks = await this.tables.where(commitHunkTable, 'commit', ids);
    const stem = objectFile.replace(/\.[^./]*$/, '');
    return commits.map((commit) => ({
      ...commit,
      role: own.includes(commit.commit) ? ('fix' as const) : ('brought' as const),
      hunks: hunks
        .filter((one) => one.commit === commit.commit && one.dropId === commit.dropId)
        .map((one) => ({ ...one, ofItsObject: one.path.replace(/\.[^./]*$/, '') === stem }))
        .sort((a, b) => Number(b.ofItsObject) - Number(a.ofItsObject)),
    }));
  }

  /** A fix's own bundle, or the level's. */
  private async bundlesOf({ fixId, levelId, kernelId }: FunctionRow): Promise<Item['bundles']> {
    const level = levelId === undefined ? undefined : await this.tables.find(levelTable, { levelId });
    const bringing = await this.tables.where(
      bundleFixTable,
      'fixId',
      fixId === undefined ? (level?.fixIds ?? []) : [fixId],
    );
    const bundles = await this.tables.where(
      bundleTable,
      'bundleId',
      bringing.map(({ bundleId }) => bundleId),
    );
    return bundles
      .filter((one) => one.kernelId === kernelId && one.level === level?.level)
      .map(({ bundleId, state, tier, level: number }) => ({ bundleId, state, tier, level: number }));
  }
}
