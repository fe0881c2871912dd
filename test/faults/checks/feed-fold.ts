import { isDeepStrictEqual } from 'node:util';
import type { Machine } from '../machine.js';
import type { Victim } from '../victim.js';
import type { Violation } from '../violation.js';

const patienceMs = 60_000;

/**
 * What the feed decides, after it lost its NATS server and found it again any number of times, is what one decides that was started
 * just now and has folded the log from its beginning.
 */
export async function checkFeed(feed: Victim, machines: readonly Machine[]): Promise<Violation[]> {
  const before = await answersOf(machines);
  feed.kill();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await feed.untilReady(patienceMs);
  const after = await answersOf(machines);
  return [...before].flatMap(([machineId, answer]) => {
    const again = after.get(machineId);
    // Leases of seconds end meanwhile, and what an ended one is answered is no longer the question.
    if (isDeepStrictEqual(answer.said, again?.said) || answer.leaseEndsMs < Date.now()) return [];
    const context = { before: answer.said, fresh: again?.said };
    return [{ check: 'feed', what: `machine ${machineId} is told otherwise by a feed that was just started`, context }];
  });
}

async function answersOf(machines: readonly Machine[]) {
  const answers = new Map<string, { said: unknown; leaseEndsMs: number }>();
  for (const machine of machines) {
    answers.set(machine.machineId, {
      said: await machine.updates(),
      leaseEndsMs: machine.lease?.expiresMs ?? Infinity,
    });
  }
  return answers;
}
