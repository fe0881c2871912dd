import type { Fact } from '#libs/contracts';
import { encodeCommit } from '../commit-codec.js';
import { type AppendResult, type CommitContext, EventStoreError, type Revision, type StreamName } from '../port.js';
import { CommandIndex, type CommandsAt } from './command-index.js';
import { isConflict } from './failures.js';
import { logStream, logSubject } from './layout.js';
import { Publisher } from './publisher.js';
import { readCommits, type StoredCommit } from './reader.js';
import type { Wire } from './wire.js';

/**
 * Appends commits with optimistic concurrency per stream, each command once. Three things keep a command from being carried out
 * twice: the server's short memory of message ids (the fast path), the index of the stream's commands as of the expected
 * revision (a repeat that decided anew), and a reading of the stream after a conflict (a repeat with a stale expectation).
 */
export class Appender {
  private readonly commands = new CommandIndex();

  private readonly publisher: Publisher;

  constructor(private readonly wire: Wire) {
    this.publisher = new Publisher(wire);
  }

  async append(
    stream: StreamName,
    expected: Revision,
    facts: readonly Fact[],
    context: CommitContext,
  ): Promise<AppendResult> {
    const { commandKey, bytes } = encodeCommit(stream, facts, context, new Date());
    const known = this.commands.at(stream, expected) ?? (await this.readCommands(stream, unknown));
    const before = known.positions.get(commandKey);
    if (before !== undefined) return { revision: before, duplicate: true };
    try {
      const guards = { messageId: commandKey, stream: logStream, lastSubjectSequence: expected };
      const ack = await this.wire.askItself(() => this.publisher.publish(logSubject(stream), bytes, guards));
      if (ack.duplicate) return { revision: ack.seq, duplicate: true };
      this.commands.advance(stream, expected, commandKey, ack.seq);
      return { revision: ack.seq, duplicate: false };
    } catch (error) {
      if (!isConflict(error)) throw unwrittenBecauseOf(error);
      return this.resolveConflict(stream, expected, commandKey, known);
    }
  }

  /** Takes over what a reading of the whole stream found. */
  noteReading(stream: StreamName, commits: readonly StoredCommit[]): void {
    this.commands.replace(stream, extended(unknown, commits));
  }

  /** A conflict may be with this very command: carried out before, or written by an attempt whose answer got lost. */
  private async resolveConflict(
    stream: StreamName,
    expected: Revision,
    commandKey: string,
    known: CommandsAt,
  ): Promise<AppendResult> {
    const { revision, positions } = await this.readCommands(stream, known);
    const before = positions.get(commandKey);
    if (before !== undefined) return { revision: before, duplicate: true };
    throw new EventStoreError('wrong-expected-revision', `${stream} is at ${revision}, not at ${expected}`);
  }

  /** Brings what is known of a stream up to date. */
  private async readCommands(stream: StreamName, known: CommandsAt): Promise<CommandsAt> {
    const now = extended(known, await readCommits(this.wire, stream, known.revision));
    this.commands.replace(stream, now);
    return now;
  }
}

const unknown: CommandsAt = { revision: 0, positions: new Map() };

function extended(known: CommandsAt, commits: readonly StoredCommit[]): CommandsAt {
  const positions = new Map(known.positions);
  for (const { commandKey, position } of commits) positions.set(commandKey, position);
  return { revision: commits.at(-1)?.position ?? known.revision, positions };
}

function unwrittenBecauseOf(error: unknown): unknown {
  if (error instanceof EventStoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EventStoreError('unavailable', `the log refused a commit: ${message}`, { cause: error });
}
