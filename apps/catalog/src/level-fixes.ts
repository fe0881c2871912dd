import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/service';
import { TableReader } from './adapters/table-reader.js';
import type { CandidateFix } from './domain/level.js';
import { bundleFixTable } from './projections/bundle-fix.js';
import { type BundleRow, bundleTable } from './projections/bundle.js';
import { type FixRow, fixTable } from './projections/fix.js';
import { kernelTable } from './projections/kernel.js';

/** Which fixes go into levels, and which levels they are in, as the tables have it. */
@Injectable()
export class LevelFixes {
  constructor(private readonly tables: TableReader) {}

  /** These fixes, or all of the kernel whose bundles have been promoted and not withdrawn; in the order of their proposals. @throws Problem 404 */
  async candidates(
    kernelId: string,
    fixIds: readonly string[] | undefined,
  ): Promise<{ fixes: readonly CandidateFix[]; unknown: readonly string[] }> {
    if ((await this.tables.find(kernelTable, { kernelId })) === undefined) throw Problem.notFound('kernel', kernelId);
    const bundles = await this.tables.where(bundleTable, 'kernelId', [kernelId]);
    const own = new Map(bundles.flatMap((one) => (one.fixId === undefined ? [] : [[one.fixId, one] as const])));
    const promoted = [...own].filter(([, { state }]) => state === 'promoted').map(([fixId]) => fixId);
    const wanted = fixIds ?? promoted;
    const rows = await this.tables.where(fixTable, 'fixId', wanted);
    const fixes = [...rows].sort(byProposal).map((fix) => candidate(fix, own.get(fix.fixId)));
    const known = new Set(fixes.map(({ fixId }) => fixId));
    return { fixes, unknown: wanted.filter((fixId) => !known.has(fixId)) };
  }

  /** Levels that a bundle's fix is in, and that are not withdrawn; none for a bundle that is a level itself. */
  async levelsWith(bundleId: string): Promise<readonly BundleRow[]> {
    const bundle = await this.tables.find(bundleTable, { bundleId });
    if (bundle?.fixId === undefined) return [];
    const bringing = await this.tables.where(bundleFixTable, 'fixId', [bundle.fixId]);
    const bundles = await this.tables.where(
      bundleTable,
      'bundleId',
      bringing.map((one) => one.bundleId),
    );
    return bundles.filter(({ level, state }) => level !== undefined && state !== 'recalled');
  }

  /** Fixes of a bundle whose own bundles were withdrawn. */
  async withdrawnIn(bundleId: string): Promise<readonly string[]> {
    const bundle = await this.tables.find(bundleTable, { bundleId });
    if (bundle?.level === undefined) return [];
    const own = await this.tables.where(bundleTable, 'fixId', bundle.fixIds);
    return own.flatMap(({ fixId, state }) => (fixId !== undefined && state === 'recalled' ? [fixId] : []));
  }
}

function candidate({ fixId, kernelId, state }: FixRow, bundle: BundleRow | undefined): CandidateFix {
  return { fixId, kernelId, state, recalled: bundle?.state === 'recalled' };
}

function byProposal(a: FixRow, b: FixRow): number {
  return a.firstPosition - b.firstPosition || (a.fixId < b.fixId ? -1 : 1);
}
