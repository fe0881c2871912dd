import type { FastifyRequest } from 'fastify';
import type { HintsResponse } from '#libs/contracts';
import type { HintDesk } from '../hint-desk.js';
import type { LiveIndex } from '../projections/live-index.js';

/** What a machine is to hear over HTTP. */
export interface Hearing {
  readonly machineId: string;
  readonly subject: string;
  readonly recallsOnly: boolean;
  /** What it heard of last. */
  readonly since: number;
  /** How long it may hear this, in ms. */
  readonly untilMs?: number;
}

export interface Sources {
  readonly live: LiveIndex;
  readonly desk: HintDesk;
}

/** Answers as soon as there is news since, or after `waitMs` without. */
export async function longPoll(
  request: FastifyRequest,
  hearing: Hearing,
  waitMs: number,
  { live, desk }: Sources,
): Promise<HintsResponse> {
  const answer = (): HintsResponse => {
    // Before what was told since: news of meanwhile is told twice rather than never.
    const { position } = live;
    return { schema: 1, position, hints: [...desk.since(hearing, hearing.since)] };
  };
  const first = answer();
  if (first.hints.length > 0 || waitMs === 0) return first;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      request.raw.socket.off('close', done);
      leave();
      resolve();
    };
    const timer = setTimeout(done, Math.min(waitMs, hearing.untilMs ?? waitMs));
    const leave = desk.wait({ ...hearing, transport: 'long-poll', onNews: done, onEnd: done });
    request.raw.socket.once('close', done);
  });
  return answer();
}
