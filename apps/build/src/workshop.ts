import type { BlobStore } from '#libs/blobs';
import type { EventData } from '#libs/contracts';
import {
  buildFix,
  buildLevel,
  type BuildOutcome,
  type BuildRequest,
  buildSeriesFix,
  type LevelOutcome,
  type LevelPart,
  needsEarlierCommits,
  SeriesHistory,
} from '#libs/hotpatch';
import { KernelImageError } from '#libs/kernelimage';
import { TreeError, type TreeStore } from '#libs/trees';
import { storedFix, storedTree } from './adapters/stored-tree.js';
import { moduleNameOf, refusedAtApply } from './domain/fix.js';
import { type ChosenFix, levelModuleName } from './domain/level.js';
import { Builder, type FixJob, type ImportOutcome, type LevelJob, type Profiles } from './ports.js';

const maxPatchBytes = 64 * 1024 * 1024;

/** Builds with the compiler, the source trees and the kernels' profiles that are at hand. */
export class Workshop extends Builder {
  constructor(
    private readonly blobs: BlobStore,
    private readonly trees: TreeStore,
    private readonly profiles: Profiles,
  ) {
    super();
  }

  async importKernel({ kernelId, packages }: EventData<'KernelReceived'>): Promise<ImportOutcome> {
    try {
      const { data, folder } = await this.profiles.open(kernelId, packages);
      return { outcome: 'imported', data, folder };
    } catch (error) {
      // A full disk says nothing about the kernel: it is tried again.
      if (!(error instanceof KernelImageError) || error.code === 'io-failed') throw error;
      return { outcome: 'rejected', reason: { code: error.code, reason: error.message.slice(0, 4096) } };
    }
  }

  async buildFix(job: FixJob): Promise<BuildOutcome> {
    return job.split === undefined ? this.buildPatch(job) : this.buildCommit(job, job.split);
  }

  async buildLevel({ proposed, received, selected }: LevelJob): Promise<LevelOutcome> {
    const { level, leaveOut } = proposed;
    const { baseTree, series: of, fixes } = selected;
    const series = of === undefined ? undefined : await this.trees.series(of.head, of.onto);
    try {
      return await buildLevel({
        profile: await this.profiles.open(received.kernelId, received.packages),
        moduleName: levelModuleName(level),
        tags: { splicecast_level: String(level) },
        base: storedTree(this.trees, baseTree),
        ...(series === undefined ? {} : { history: new SeriesHistory(series) }),
        parts: await Promise.all(fixes.map((one) => this.partOf(one))),
        leaveOut,
      });
    } finally {
      await series?.close();
    }
  }

  /** Anyone's own patch has to stand alone. */
  private async buildPatch({ proposed, received }: FixJob): Promise<BuildOutcome> {
    const { baseTree, patch: digest, paths } = proposed;
    const patch = await this.blobs.read(digest, maxPatchBytes);
    let patchedTree: string;
    try {
      patchedTree = await this.trees.applyPatch(baseTree, patch);
    } catch (error) {
      if (!(error instanceof TreeError) || error.code !== 'patch-does-not-apply') throw error;
      return refusedAtApply((error.paths.length > 0 ? error.paths : paths).map((path) => needsEarlierCommits(path)));
    }
    const fix = await storedFix(this.trees, baseTree, patchedTree);
    return buildFix({ ...(await this.target(proposed.fixId, received)), fix });
  }

  /** A commit of a series brings the earlier ones that it can't do without. */
  private async buildCommit(
    { proposed: { fixId, source }, received }: FixJob,
    { head, onto }: NonNullable<FixJob['split']>,
  ): Promise<BuildOutcome> {
    const series = await this.trees.series(head, onto);
    try {
      const commits = source.kind === 'commit' ? [source.commit] : [];
      const target = await this.target(fixId, received);
      return await buildSeriesFix({ ...target, history: new SeriesHistory(series), commits });
    } finally {
      await series.close();
    }
  }

  private async target(
    fixId: string,
    { kernelId, packages }: EventData<'KernelReceived'>,
  ): Promise<Omit<BuildRequest, 'fix'>> {
    const profile = await this.profiles.open(kernelId, packages);
    return { profile, moduleName: moduleNameOf(fixId), replace: false, tags: { splicecast_fix: fixId } };
  }

  private async partOf({ proposed, built, objects, commits }: ChosenFix): Promise<LevelPart> {
    const { fixId, paths, patch } = proposed;
    const source: LevelPart['source'] =
      commits === undefined
        ? { kind: 'patch', patch: await this.blobs.read(patch, maxPatchBytes) }
        : { kind: 'commits', commits };
    return { fixId, source, paths: new Set([...paths, ...objects]), functions: built.functions };
  }
}
