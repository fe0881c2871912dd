import { Controller, Logger } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { BlobStore } from '#libs/blobs';
import { type EventData, type Fact, fact } from '#libs/contracts';
import { EventStore, PoisonMessage, type RecordedEvent, RetryLater, type StreamName } from '#libs/eventstore';
import { type Changelog, changelogSchema, changelogStep, type ReportedSource } from '#libs/patchsplit';
import { Clock, commandContext, stage } from '#libs/service';
import { type CommitText, TreeStore } from '#libs/trees';
import { dropState, type DropState, nextStep, type SplitStep } from './domain/drop.js';
import { Splitter } from './ports.js';

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
    private readonly splitter: Splitter,
  ) {}

  /** Series and refs are in their stores before the one event that names them, and follow from the trees: it can be repeated. */
  @EventPattern('SourceDropUnpacked', stage('diff'))
  async handle(@Payload() event: RecordedEvent): Promise<void> {
    if (event.fact.type !== 'SourceDropUnpacked') throw new PoisonMessage(`${event.fact.type} is no drop`);
    const { dropId } = event.fact.data;
    const stream: StreamName = `drop.${dropId}`;
    const { events, revision } = await this.events.readStream(stream);
    const drop = dropState(events.map((one) => one.fact));
    const base = await this.baseOf(drop);
    const step = nextStep(drop, base, await this.baseOf(base));
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
    const { base, target, onto } = step;
    const start = this.clock.now().getTime();
    const changelog = await this.changelogOf(target);
    const split = await this.splitter.split({
      base: base.tree,
      target: target.tree,
      changelog: changelog ? changelogStep(changelog, base.version || undefined, target.version || undefined) : [],
      earlier: changelog && base.version ? earlierSubjects(changelog, base.version) : [],
      root: rootOf(product, base, await this.changelogOf(base)),
      onto,
      from: sourceOf(base),
      to: sourceOf(target),
    });
    const series = await this.blobs.put(Buffer.from(split.series));
    const report = await this.blobs.put(Buffer.from(split.report));
    await this.trees.setRef(`refs/series/${target.dropId}`, split.head);
    const durationMs = Math.max(0, this.clock.now().getTime() - start);
    const { counts } = split;
    this.log.log(
      `split drop ${target.dropId}: ${counts.files} files, ${counts.hunks} hunks → ${counts.attributed} commits of ` +
        `${counts.subjects} changelog items and ${counts.remainders} remainders, ${durationMs} ms`,
    );
    return fact('DropSplit', {
      dropId: target.dropId,
      base: base.dropId,
      series: series.digest,
      report: report.digest,
      onto: split.onto,
      head: split.head,
      commits: counts.commits,
      attributed: counts.attributed,
      remainders: counts.remainders,
      files: counts.files,
      insertions: counts.insertions,
      deletions: counts.deletions,
      proof: split.proof,
      durationMs,
    });
  }

  private async changelogOf({ changelog }: Unpacked): Promise<Changelog | undefined> {
    if (changelog === undefined) return undefined;
    const bytes = await this.blobs.read(changelog, maxChangelogBytes);
    return changelogSchema.parse(JSON.parse(bytes.toString('utf8')));
  }

  /** The drop that a drop follows, if it names one. */
  private async baseOf(drop?: DropState): Promise<DropState | undefined> {
    const base = drop?.received?.base;
    if (base === undefined) return undefined;
    const { events } = await this.events.readStream(`drop.${base}`);
    return dropState(events.map((one) => one.fact));
  }
}

/**
 * The commit that a line of drops begins with. It follows from that drop alone, dated by its own changelog entry, so that whatever
 * follows it has the same root.
 */
function rootOf(product: string, base: Unpacked, changelog?: Changelog): CommitText {
  const at = changelog?.entries.find(({ version }) => version === base.version)?.at;
  const message = `${product} ${base.version || base.tree}\n\nAs the vendor released it.\n`;
  return { author: { ...splicer, at: new Date(at ?? 0) }, message };
}

/** What an entry before the step names is in the older tree already. */
function earlierSubjects(changelog: Changelog, version: string): string[] {
  return changelogStep(changelog, undefined, version).map(({ subject }) => subject);
}

function sourceOf({ version, tree, format, files, bytes }: Unpacked): ReportedSource {
  return { version, tree, format, files, bytes };
}

/** Of the blobs, the trees or the system: what comes from a thread is of no class. */
function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'no-space' || error.code === 'ENOSPC');
}
