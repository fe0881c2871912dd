import { decodeCommit } from '../commit-codec.js';
import type { Commit, SubscribeOptions, Subscription } from '../port.js';
import { untilHandled } from '../retry.js';
import { categorySubject, logStream, streamOf } from './layout.js';
import { ordered } from './ordered.js';
import type { Wire } from './wire.js';

/** Runs `handler` over the log from a position on. Breaks only for a commit that can't be read, or a closed connection. */
export function subscribeTo(
  wire: Wire,
  options: SubscribeOptions,
  handler: (commit: Commit) => Promise<void>,
): Subscription {
  const abort = new AbortController();
  const closed = (async () => {
    const subject = categorySubject(options.category);
    const messages = ordered(wire, { stream: logStream, subject, from: options.from, signal: abort.signal });
    for await (const some of messages) {
      for (const message of some) {
        const commit = decodeCommit(streamOf(message.subject), message.seq, message.data);
        await untilHandled(commit, handler, options, abort.signal);
        if (abort.signal.aborted) return;
      }
    }
  })();
  // Whoever doesn't look at `closed` must not be ended by an unhandled rejection.
  closed.catch(() => undefined);
  return {
    closed,
    async stop() {
      abort.abort();
      await closed.catch(() => undefined);
    },
  };
}
