import { Injectable, Logger } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { type EventData, type Fact, type GitId, type Series, type SeriesCommit, seriesSchema } from '#libs/contracts';
import { EventStore, EventStoreError, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { actor, correlate, Problem } from '#libs/service';
import { TreeError, TreeStore } from '#libs/trees';
import { type DropState, dropState } from './domain/drop.js';
import { decideProposed, fixIdOf } from './domain/fix.js';
import { type Selection, selectCommits, unknownCommits } from './domain/selection.js';

const maxSeriesBytes = 256 * 1024 * 1024;
const tries = 3;

/** Where the fixes go: a kernel, and the tree that it was built from. */
export interface FixTarget {
  readonly kernelId: string;
  readonly baseTree: GitId;
}

/** A patch that is no commit of a drop. */
export interface OwnPatch {
  readonly subject: string;
  readonly text: string;
  readonly cves?: readonly string[];
}

/** Proposes commits of a split drop, or anyone's patch, as fixes for a kernel. */
@Injectable()
export class Proposals {
  private readonly log = new Logger('diff');

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly trees: TreeStore,
  ) {}

  /** The kernel's own source: of the drop that is named, else of the one that it was received with. @throws Problem */
  async targetOf(kernelId: string, baseDropId?: string): Promise<FixTarget> {
    const kernel = (await this.factsOf(`kernel.${kernelId}`)).findLast((one) => one.type === 'KernelReceived');
    if (kernel?.type !== 'KernelReceived') throw invalid('/kernelId', 'no such kernel');
    const dropId = baseDropId ?? kernel.data.dropId;
    if (dropId === undefined)
      throw invalid('/baseDropId', 'the kernel names no source drop, so it has to be named here');
    const { unpacked } = await this.dropOf(dropId, '/baseDropId');
    if (!unpacked) throw notYet('drop-not-unpacked', `source drop ${dropId} is not unpacked`);
    return { kernelId, baseTree: unpacked.tree };
  }

  /** @throws Problem for an unknown or unsplit drop, or commits that its series doesn't have. */
  async proposeCommits(target: FixTarget, dropId: string, selection: Selection): Promise<string[]> {
    const { split, cause } = await this.dropOf(dropId, '/dropId');
    if (!split || !cause) throw notYet('drop-not-split', `drop ${dropId} is not split`);
    const series = await this.seriesOf(split);
    const [unknown] = unknownCommits(series, selection.commits);
    if (unknown !== undefined) {
      const at = selection.commits?.indexOf(unknown) ?? 0;
      throw invalid(`/select/commits/${at}`, `the series of drop ${dropId} has no commit ${unknown}`);
    }
    const fixIds: string[] = [];
    for (const commit of selectCommits(series, selection))
      fixIds.push(await this.proposeCommit(target, dropId, commit, cause));
    return fixIds;
  }

  /** @throws Problem `patch-does-not-apply` with the paths that conflict. */
  async proposePatch(target: FixTarget, { subject, text, cves = [] }: OwnPatch): Promise<string> {
    const bytes = Buffer.from(text);
    const paths = await this.pathsOf(target.baseTree, bytes);
    const { digest } = await this.blobs.put(bytes);
    return this.propose({
      ...target,
      fixId: fixIdOf(target.kernelId, digest),
      patch: digest,
      source: { kind: 'patch' },
      subject,
      cves: [...cves],
      confidence: 1,
      paths,
    });
  }

  private async proposeCommit(
    target: FixTarget,
    dropId: string,
    commit: SeriesCommit,
    cause: RecordedEvent,
  ): Promise<string> {
    const { digest } = await this.blobs.put(await this.trees.patchOf(commit.commit));
    const { subject, cves, upstream, confidence, paths } = commit;
    const proposed = {
      ...target,
      fixId: fixIdOf(target.kernelId, digest),
      patch: digest,
      source: { kind: 'commit' as const, dropId, commit: commit.commit },
      subject,
      cves,
      ...(upstream === undefined ? {} : { upstream }),
      confidence,
      paths,
    };
    return this.propose(proposed, cause);
  }

  /**
   * Whoever proposes the same at the same time comes to the same fix.
   * @param cause the split that it is a commit of: what became of a drop is followed on to the machines' reports
   */
  private async propose(proposed: EventData<'FixProposed'>, cause?: RecordedEvent): Promise<string> {
    const { fixId, kernelId } = proposed;
    const follows =
      cause === undefined
        ? { correlationId: fixId }
        : { causationId: cause.envelope.id, correlationId: cause.envelope.correlationId };
    correlate(follows.correlationId);
    const stream: StreamName = `fix.${fixId}`;
    for (let attempt = 1; ; attempt += 1) {
      const past = await this.events.readStream(stream);
      const facts = decideProposed(
        past.events.map((one) => one.fact),
        proposed,
      );
      if (facts.length === 0) return fixId;
      try {
        const context = { actor: actor(), commandId: `propose:${fixId}`, ...follows };
        await this.events.appendToStream(stream, past.revision, facts, context);
        this.log.log(`fix ${fixId} proposed for kernel ${kernelId}`);
        return fixId;
      } catch (error) {
        const raced = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
        if (!raced || attempt === tries) throw error;
      }
    }
  }

  /** What a patch changes, by applying it: what it says of itself need not be true. */
  private async pathsOf(baseTree: GitId, patch: Buffer): Promise<string[]> {
    try {
      const changes = await this.trees.diff(baseTree, await this.trees.applyPatch(baseTree, patch));
      if (changes.length > 0) return changes.map(({ path }) => path);
    } catch (error) {
      if (!(error instanceof TreeError) || error.code !== 'patch-does-not-apply') throw error;
      const conflicts = error.paths.length > 0 ? ` (${error.paths.join(', ')})` : '';
      throw invalid('/patch/text', `${error.message}${conflicts}`, error.code);
    }
    throw invalid('/patch/text', 'the patch changes nothing', 'patch-changes-nothing');
  }

  private async seriesOf({ series }: EventData<'DropSplit'>): Promise<Series> {
    const bytes = await this.blobs.read(series, maxSeriesBytes);
    return seriesSchema.parse(JSON.parse(bytes.toString('utf8')));
  }

  private async dropOf(
    dropId: string,
    pointer: string,
  ): Promise<DropState & { readonly cause: RecordedEvent | undefined }> {
    const { events } = await this.events.readStream(`drop.${dropId}`);
    const state = dropState(events.map(({ fact }) => fact));
    if (!state.received) throw invalid(pointer, `no such drop: ${dropId}`);
    return { ...state, cause: events.findLast(({ fact }) => fact.type === 'DropSplit') };
  }

  private async factsOf(stream: StreamName): Promise<readonly Fact[]> {
    return (await this.events.readStream(stream)).events.map((one) => one.fact);
  }
}

function invalid(pointer: string, detail: string, code = 'invalid-request'): Problem {
  return new Problem({ status: 422, code, title: 'The request is not valid', errors: [{ pointer, detail }] });
}

function notYet(code: string, detail: string): Problem {
  return new Problem({ status: 409, code, title: 'Not yet', detail });
}
