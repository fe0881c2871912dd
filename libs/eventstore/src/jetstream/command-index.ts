import type { Revision, StreamName } from '../port.js';

/** Which commands a stream holds as of a revision, and where in the log each of them stands. */
export interface CommandsAt {
  readonly revision: Revision;
  /** Position by the command's key. */
  readonly positions: ReadonlyMap<string, number>;
}

interface Entry extends CommandsAt {
  revision: Revision;
  readonly positions: Map<string, number>;
}

/**
 * Remembers the commands of streams that were read or written lately, so that a repeated command is found without reading its
 * stream again. An entry is used only for an append that expects its very revision, so it can't be out of date: the server
 * refuses such an append.
 */
export class CommandIndex {
  private readonly streams = new Map<StreamName, Entry>();
  private size = 0;

  /** @param capacity how many commands are remembered at most, about 100 bytes each. */
  constructor(private readonly capacity = 50_000) {}

  /** The commands of a stream at exactly that revision, if they are known. An empty stream's always are. */
  at(stream: StreamName, revision: Revision): CommandsAt | undefined {
    if (revision === 0) return { revision, positions: new Map() };
    const entry = this.streams.get(stream);
    if (entry?.revision !== revision) return undefined;
    // Move it to the end: the first is the one that was used longest ago.
    this.streams.delete(stream);
    this.streams.set(stream, entry);
    return { revision, positions: entry.positions };
  }

  /** Takes over what a reading of the stream found. */
  replace(stream: StreamName, found: CommandsAt): void {
    this.forget(stream);
    this.streams.set(stream, { revision: found.revision, positions: new Map(found.positions) });
    this.size += found.positions.size;
    this.shrink();
  }

  /** Adds the commit that followed `expected`. */
  advance(stream: StreamName, expected: Revision, commandKey: string, position: number): void {
    const entry = this.streams.get(stream) ?? { revision: 0, positions: new Map<string, number>() };
    if (entry.revision !== expected) return;
    entry.positions.set(commandKey, position);
    entry.revision = position;
    this.streams.set(stream, entry);
    this.size += 1;
    this.shrink();
  }

  private shrink(): void {
    for (const oldest of this.streams.keys()) {
      if (this.size <= this.capacity) return;
      this.forget(oldest);
    }
  }

  private forget(stream: StreamName): void {
    this.size -= this.streams.get(stream)?.positions.size ?? 0;
    this.streams.delete(stream);
  }
}
