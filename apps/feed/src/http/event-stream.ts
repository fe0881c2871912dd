import type { FastifyReply, FastifyRequest } from 'fastify';
import type { News } from '../projections/news-board.js';
import type { Hearing, Sources } from './long-poll.js';

/** Often enough for proxies that end what is silent for half a minute. */
const heartbeatMs = 20_000;
/** A machine that doesn't take what is sent to it is let go: it asks since what it heard last when it comes back. */
const maxBufferedBytes = 64 * 1024;
/** setTimeout's longest; leases are shorter. */
const maxTimerMs = 2 ** 31 - 1;

/** Sends hints as server-sent events (WHATWG HTML § 9.2), each with its position as `id`, until the machine goes or its right ends. */
export function streamEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  hearing: Hearing,
  { live, desk }: Sources,
): void {
  const { position } = live;
  const missed = desk.since(hearing, hearing.since);
  const { raw } = reply;
  const send = (text: string): void => {
    if (raw.writableLength > maxBufferedBytes) raw.destroy();
    else raw.write(text);
  };
  const end = (why: string): void => {
    raw.end(event('end', why));
  };
  // Before anything is answered: a desk that is full is a problem document.
  const leave = desk.wait({
    ...hearing,
    transport: 'sse',
    onNews: (hint) => send(hintEvent(hint)),
    onEnd: (why) => end(why),
  });
  reply.hijack();
  const headers = {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // nginx and its like would keep the events to themselves for a while.
    'x-accel-buffering': 'no',
  };
  raw.writeHead(200, headers);
  send(`id: ${position}\n${event('open', String(position))}`);
  for (const hint of missed) send(hintEvent(hint));
  const heartbeat = setInterval(() => send(': \n\n'), heartbeatMs);
  const { untilMs } = hearing;
  const over = untilMs === undefined ? undefined : setTimeout(() => end('changed'), Math.min(untilMs, maxTimerMs));
  raw.once('close', () => {
    clearInterval(heartbeat);
    clearTimeout(over);
    leave();
  });
  request.raw.socket.setNoDelay(true);
}

function hintEvent(hint: News['hint']): string {
  return `id: ${hint.position}\n${event('hint', JSON.stringify(hint))}`;
}

function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
