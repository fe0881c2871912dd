import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobError, BlobStore } from '#libs/blobs';
import { type EventData, type Fact, fact, type GitId } from '#libs/contracts';
import { EventStore, PoisonMessage, type RecordedEvent, RetryLater, type StreamName } from '#libs/eventstore';
import { type Changelog, changelogSchema, changelogStep, type SplitResult, splitTrees } from '#libs/patchsplit';
import { Clock, commandContext, stage } from '#libs/service';
import { type CommitText, TreeError, TreeStore } from '#libs/trees';
import { dropState, type DropState, nextStep, type SplitStep, tagOf } from './domain/drop.js';

type Unpacked = EventData<'SourceDropUnpacked'>;

const baseNotReadyMs = 5_000;
const diskFullDelayMs = 30_000;
const maxChangelogBytes = 256 * 1024 * 1024;
const splicer = { name: 'Splicecast', email: 'splicecast@localhost' };

/** Breaks the step from a drop's base to the drop into commits, and records the proof that they rebuild it. */
@Controller()
export class Diff {
  private readonly log = new Logger(Diff.name);

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
    private readonly trees: TreeStore,
    private readonly clock: Clock,
  ) {}

  /** Series and refs are in their stores before the one event that names them, and follow from the trees: it can be repeated. */
  @EventPattern('SourceDropUnpacked', stage('diff'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'SourceDropUnpacked') throw new PoisonMessage(`${event.fact.type} is no drop`);
    const { dropId } = event.fact.data;
    const stream: StreamName = `drop.${dropId}`;
    const { events, revision } = await this.events.readStream(stream);
    const drop = dropState(events.map((one) => one.fact));
    const base = drop.received?.base;
    const step = nextStep(drop, base === undefined ? undefined : await this.dropOf(base));
    if (step.kind === 'wait') throw new RetryLater(baseNotReadyMs, `drop ${dropId} waits: ${step.why}`);
    if (step.kind === 'never') throw new PoisonMessage(`drop ${dropId} can't be split: ${step.why}`);
    if (step.kind !== 'split' || !drop.received) return;
    const split = await this.split(drop.received.product, step).catch((error: unknown) => {
      if (!isDiskFull(error)) throw error;
      this.log.error(`the disk is full: the split of drop ${dropId} waits (${String(error)})`);
      throw new RetryLater(diskFullDelayMs, 'the disk is full');
    });
    await this.events.appendToStream(stream, revision, [split], commandContext(event, 'diff'));
  }

  private async split(product: string, step: Extract<SplitStep, { kind: 'split' }>): Promise<Fact> {
    const { base, target } = step;
    const start = this.clock.now().getTime();
    const changelog = await this.changelogOf(target);
    const result = await splitTrees({
      trees: this.trees,
      base: base.tree,
      target: target.tree,
      changelog: changelog ? changelogStep(changelog, base.version || undefined, target.version || undefined) : [],
      root: rootOf(product, base, changelog),
    });
    const series = await this.blobs.put(Buffer.from(JSON.stringify(result.series)));
    const head = await this.publish(product, step, result);
    const durationMs = Math.max(0, this.clock.now().getTime() - start);
    const { counts } = result;
    this.log.log(
      `split drop ${target.dropId}: ${counts.files} files, ${counts.hunks} hunks → ${counts.attributed} commits of ` +
        `${counts.subjects} changelog items and ${counts.remainders} remainders, ${durationMs} ms`,
    );
    return fact('DropSplit', {
      dropId: target.dropId,
      base: base.dropId,
      series: series.digest,
      head,
      commits: counts.commits,
      attributed: counts.attributed,
      remainders: counts.remainders,
      files: counts.files,
      insertions: counts.insertions,
      deletions: counts.deletions,
      proof: result.proof,
      durationMs,
    });
  }

  /** Names the series for whoever clones it: a branch for the product, a tag for each version. */
  private async publish(
    product: string,
    { base, target, baseIsSplit }: Extract<SplitStep, { kind: 'split' }>,
    { commits }: SplitResult,
  ): Promise<GitId> {
    const [root] = commits;
    const head = commits.at(-1);
    if (!root || !head) throw new TypeError('a series without a root commit');
    // A base that was split is tagged already, with its whole history.
    if (!baseIsSplit) await this.trees.setRef(tagOf(product, base.version, base.tree), root.commit);
    await this.trees.setRef(tagOf(product, target.version, target.tree), head.commit);
    await this.trees.setRef(`refs/heads/${product}`, head.commit);
    return head.commit;
  }

  private async changelogOf({ changelog }: Unpacked): Promise<Changelog | undefined> {
    if (changelog === undefined) return undefined;
    const bytes = await this.blobs.read(changelog, maxChangelogBytes);
    return changelogSchema.parse(JSON.parse(bytes.toString('utf8')));
  }

  private async dropOf(dropId: string): Promise<DropState> {
    const { events } = await this.events.readStream(`drop.${dropId}`);
    return dropState(events.map((one) => one.fact));
  }
}

/** The commit that the series starts from, dated as the base's own changelog entry: the same trees make the same commits. */
function rootOf(product: string, base: Unpacked, changelog?: Changelog): CommitText {
  const at = changelog?.entries.find(({ version }) => version === base.version)?.at;
  const message = `${product} ${base.version || base.tree}\n\nAs the vendor released it.\n`;
  return { author: { ...splicer, at: new Date(at ?? 0) }, message };
}

function isDiskFull(error: unknown): boolean {
  if (error instanceof BlobError || error instanceof TreeError) return error.code === 'no-space';
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}
