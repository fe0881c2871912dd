import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './spread.js';
import type { SeededMachine } from './seeds.js';

/** What can be asked of every process that plays many who listen. */
export type ToCrowd =
  /** Begins to count anew. */
  | { readonly do: 'reset' }
  /** Answers when all have heard or were closed, or after `limitMs`. */
  | { readonly do: 'await'; readonly what: 'heard' | 'closed'; readonly limitMs: number };

export interface FromCrowd {
  readonly connected?: number;
  readonly machines?: readonly SeededMachine[];
  /** When each heard or was closed, in ms since 1970. */
  readonly times?: readonly number[];
}

/** Many who listen, and when each of them heard something or was closed. */
export class Crowd {
  private times = { heard: [] as number[], closed: [] as number[] };
  readonly heard = (): void => void this.times.heard.push(now());
  readonly closed = (): void => void this.times.closed.push(now());

  /** @param size how many there are. */
  async obey(order: ToCrowd, size: number): Promise<FromCrowd> {
    if (order.do === 'reset') {
      this.times = { heard: [], closed: [] };
      return {};
    }
    const deadline = performance.now() + order.limitMs;
    while (this.times[order.what].length < size && performance.now() < deadline) await sleep(20);
    return { times: this.times[order.what] };
  }
}

/** Lets a process of the benchmark answer its parent's orders, which are of the type that `obey` takes, and end with it. */
export function serveOrders(obey: (order: never) => Promise<object>): void {
  process.on('message', (order) => {
    void obey(order as never).then((answer) => process.send?.(answer));
  });
  process.once('disconnect', () => process.exit());
}
