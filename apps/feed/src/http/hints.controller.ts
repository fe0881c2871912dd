import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { type HintsResponse, hintsResponseSchema } from '#libs/contracts';
import { Clock, ZodBody } from '#libs/service';
import { HintDesk } from '../hint-desk.js';
import { MachineGate, type MachineRequest } from '../machine-gate.js';
import { LiveIndex } from '../projections/live-index.js';
import { Updates } from '../updates.js';
import { MachineApi } from './machine-api.js';
import { type Hearing, longPoll } from './long-poll.js';
import { streamEvents } from './event-stream.js';

const hintsQuerySchema = z.object({
  since: z.coerce.number().int().min(0).optional(),
  wait: z.coerce.number().min(0).max(60).default(30),
});
const hintsQuery = new ZodBody(hintsQuerySchema);

/** Tells machines of news over HTTP, where NATS can't pass: the same hints, to the same machines. */
@Controller('v1/machines')
export class HintsController {
  constructor(
    private readonly gate: MachineGate,
    private readonly updates: Updates,
    private readonly desk: HintDesk,
    private readonly live: LiveIndex,
    private readonly clock: Clock,
  ) {}

  @Get(':id/hints')
  @MachineApi({
    query: hintsQuerySchema,
    answer: hintsResponseSchema,
    description: 'News, as soon as there is any; with `Accept: text/event-stream` as server-sent events without end',
  })
  async hints(
    @Req() request: MachineRequest,
    @Param('id') id: string,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const caller = await this.gate.identify(request, id);
    this.updates.machine(caller);
    await this.gate.admit(caller);
    const { since, wait } = hintsQuery.transform(query);
    const lease = this.updates.standingLease(caller, await this.gate.leaseIfAny(request, caller));
    const hearing: Hearing = {
      machineId: caller.machineId,
      ...this.updates.hearing(caller, lease),
      // A position that isn't reached is of another log, or of a feed that is ahead: what is told twice does no harm.
      since: Math.min(since ?? Infinity, this.live.position),
      // Nothing is heard by a lease that has ended.
      ...(lease === undefined ? {} : { untilMs: Date.parse(lease.expiresAt) - this.clock.now().getTime() }),
    };
    const { live, desk } = this;
    if (request.headers.accept?.includes('text/event-stream') === true) {
      streamEvents(request, reply, hearing, { live, desk });
      return;
    }
    const answer: HintsResponse = await longPoll(request, hearing, wait * 1000, { live, desk });
    await reply.header('cache-control', 'no-store').send(answer);
  }
}
