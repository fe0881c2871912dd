import type { MsgHdrs } from 'nats';
import { EventStoreError, type StreamName } from '../port.js';
import { logStream, logSubject } from './layout.js';
import { ordered } from './ordered.js';
import type { Wire } from './wire.js';

/** A message of the log, before it is decoded. */
export interface StoredCommit {
  readonly position: number;
  /** Names its command in the scope of its stream; empty for a message that no store wrote. */
  readonly commandKey: string;
  readonly bytes: Uint8Array;
}

/** Up to so many commits are asked for one by one; past that a cursor is cheaper than the round trips. */
const singleReads = 24;

/**
 * Reads an aggregate's commits after a position, up to the one that was last when the reading began. An empty stream or one
 * of a single commit takes one round trip. All is asked of the stream's leader, so what was acknowledged before is seen.
 */
export async function readCommits(wire: Wire, stream: StreamName, after = 0): Promise<readonly StoredCommit[]> {
  const subject = logSubject(stream);
  const [last, first] = await Promise.all([
    wire.message(logStream, { last_by_subj: subject }),
    wire.message(logStream, { seq: after + 1, next_by_subj: subject }),
  ]);
  if (last === undefined || last.seq <= after) return [];
  const commits: StoredCommit[] = [];
  // The two answers are of different moments: the first commit may have come in between.
  let at = first ?? (await wire.message(logStream, { seq: after + 1, next_by_subj: subject }));
  while (at !== undefined && at.seq < last.seq && commits.length < singleReads) {
    commits.push(storedCommit(at.seq, at.header, at.data));
    at = await wire.message(logStream, { seq: at.seq + 1, next_by_subj: subject });
  }
  if (at === undefined) throw new EventStoreError('unavailable', `the log lost sight of ${stream} while it was read`);
  if (at.seq >= last.seq) return [...commits, storedCommit(last.seq, last.header, last.data)];
  return [...commits, ...(await readOn(wire, subject, at.seq, last.seq))];
}

async function readOn(wire: Wire, subject: string, from: number, to: number): Promise<StoredCommit[]> {
  const commits: StoredCommit[] = [];
  const abort = new AbortController();
  // The cursor itself waits for ever for a server that is away; a reader has only so much patience between two messages.
  const impatience = setTimeout(() => abort.abort(), wire.patienceMs);
  try {
    for await (const some of ordered(wire, { stream: logStream, subject, from, signal: abort.signal })) {
      for (const message of some) {
        commits.push(storedCommit(message.seq, message.headers, message.data));
        if (message.seq >= to) return commits;
      }
      impatience.refresh();
    }
  } finally {
    clearTimeout(impatience);
  }
  throw new EventStoreError('unavailable', `the log stopped answering while ${subject} was read`);
}

function storedCommit(position: number, headers: MsgHdrs | undefined, bytes: Uint8Array): StoredCommit {
  return { position, commandKey: headers?.get('Nats-Msg-Id') ?? '', bytes };
}
