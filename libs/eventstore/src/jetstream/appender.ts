import type { Fact } from '#libs/contracts';
import { encodeCommit } from '../commit-codec.js';
import { type AppendResult, type CommitContext, EventStoreError, type Revision, type StreamName } from '../port.js';
import { CommandIndex, type CommandPositions } from './command-index.js';
import { isConflict } from './failures.js';
import { logStream, logSubject } from './layout.js';
import { readCommits, type StoredCommit } from './reader.js';
import type { Wire } from './wire.js';

/** Time for one answer of the server; several fit into the patience. */
const answerMs = 2_000;

/**
 * Appends commits with optimistic concurrency per stream, each command once. Three things keep a command from being carried out
 * twice: the server's short memory of message ids (the fast path), the index of the stream's commands as of the expected
 * revision (a repeat that decided anew), and a reading of the stream after a conflict (a repeat with a stale expectation).
 */
export class Appender {
  private readonly commands = new CommandIndex();

  constructor(private readonly wire: Wire) {}

  async append(
    stream: StreamName,
    expected: Revision,
    facts: readonly Fact[],
    context: CommitContext,
  ): Promise<AppendResult> {
    const { commandKey, bytes } = encodeCommit(stream, facts, context, new Date());
    const known = this.commands.at(stream, expected) ?? (await this.readCommands(stream)).positions;
    const before = known.get(commandKey);
    if (before !== undefined) return { revision: before, duplicate: true };
    try {
      const ack = await this.wire.ask(() =>
        this.wire.js.publish(logSubject(stream), bytes, {
          msgID: commandKey,
          expect: { streamName: logStream, lastSubjectSequence: expected },
          timeout: answerMs,
        }),
      );
      if (ack.duplicate) return { revision: ack.seq, duplicate: true };
      this.commands.advance(stream, expected, commandKey, ack.seq);
      return { revision: ack.seq, duplicate: false };
    } catch (error) {
      if (!isConflict(error)) throw unwrittenBecauseOf(error);
      return this.resolveConflict(stream, expected, commandKey);
    }
  }

  /** Takes over what was read anyway. */
  noteReading(stream: StreamName, commits: readonly StoredCommit[]): void {
    const positions = new Map(commits.map((commit) => [commit.commandKey, commit.position] as const));
    this.commands.replace(stream, commits.at(-1)?.position ?? 0, positions);
  }

  /** A conflict may be with this very command: carried out before, or written by an attempt whose answer got lost. */
  private async resolveConflict(stream: StreamName, expected: Revision, commandKey: string): Promise<AppendResult> {
    const { revision, positions } = await this.readCommands(stream);
    const before = positions.get(commandKey);
    if (before !== undefined) return { revision: before, duplicate: true };
    throw new EventStoreError('wrong-expected-revision', `${stream} is at ${revision}, not at ${expected}`);
  }

  private async readCommands(stream: StreamName): Promise<{ revision: Revision; positions: CommandPositions }> {
    const commits = await readCommits(this.wire, stream);
    this.noteReading(stream, commits);
    const positions = new Map(commits.map((commit) => [commit.commandKey, commit.position] as const));
    return { revision: commits.at(-1)?.position ?? 0, positions };
  }
}

function unwrittenBecauseOf(error: unknown): unknown {
  if (error instanceof EventStoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EventStoreError('unavailable', `the log refused a commit: ${message}`, { cause: error });
}
