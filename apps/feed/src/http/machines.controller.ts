import { Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  enrolRequestSchema,
  leaseRequestSchema,
  type LeaseResponse,
  leaseResponseSchema,
  reportRequestSchema,
  updatePreferenceSchema,
  type UpdatesResponse,
  updatesResponseSchema,
} from '#libs/contracts';
import { ZodBody } from '#libs/service';
import { Enrolment } from '../enrolment.js';
import { MachineGate, type MachineRequest } from '../machine-gate.js';
import { type ReportAnswer, reportAnswerSchema, Reports } from '../reports.js';
import { Updates } from '../updates.js';
import { namesTag } from './byte-range.js';
import { MachineApi } from './machine-api.js';

const updatesQuerySchema = z.object({ prefer: updatePreferenceSchema.default('levels') });
const updatesQuery = new ZodBody(updatesQuerySchema);
const enrolBody = new ZodBody(enrolRequestSchema);
const leaseBody = new ZodBody(leaseRequestSchema);
const reportBody = new ZodBody(reportRequestSchema);

/** What machines ask and say. The caller is known before its body is looked at, so no handler takes `@Body()`. */
@Controller('v1/machines')
export class MachinesController {
  constructor(
    private readonly gate: MachineGate,
    private readonly enrolment: Enrolment,
    private readonly updates: Updates,
    private readonly reports: Reports,
  ) {}

  @Post()
  @MachineApi({
    body: enrolRequestSchema,
    answer: leaseResponseSchema,
    description: 'The machine is known, and has its first lease',
    status: 201,
  })
  async enrol(@Req() request: MachineRequest): Promise<LeaseResponse> {
    const caller = await this.gate.identify(request);
    return this.enrolment.enrol(caller, enrolBody.transform(request.body));
  }

  @Post(':id/lease')
  @MachineApi({ body: leaseRequestSchema, answer: leaseResponseSchema, description: 'A new lease' })
  async renew(@Req() request: MachineRequest, @Param('id') id: string): Promise<LeaseResponse> {
    const caller = await this.gate.identify(request, id);
    return this.enrolment.renew(caller, leaseBody.transform(request.body));
  }

  @Get(':id/updates')
  @MachineApi({
    query: updatesQuerySchema,
    answer: updatesResponseSchema,
    description: 'All that the machine may have; has an `ETag`, for `If-None-Match`',
  })
  async updatesOf(
    @Req() request: MachineRequest,
    @Param('id') id: string,
    @Query() query: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UpdatesResponse | undefined> {
    const caller = await this.gate.identify(request, id);
    this.updates.machine(caller);
    await this.gate.admit(caller);
    const { prefer } = updatesQuery.transform(query);
    const lease = this.updates.standingLease(caller, await this.gate.leaseIfAny(request, caller));
    const { etag, bundles, withheld } = await this.updates.offer(caller, lease, prefer);
    reply.header('etag', etag).header('cache-control', 'private, no-cache');
    if (!namesTag(request.headers['if-none-match'], etag)) {
      const said = withheld === undefined ? {} : { withheld: [...withheld] };
      return { schema: 1, machineId: caller.machineId, bundles: [...bundles], ...said };
    }
    reply.status(304);
    return undefined;
  }

  @Post(':id/reports')
  @MachineApi({ body: reportRequestSchema, answer: reportAnswerSchema, description: 'It is recorded, once' })
  async report(@Req() request: MachineRequest, @Param('id') id: string): Promise<ReportAnswer> {
    const caller = await this.gate.identify(request, id);
    this.updates.machine(caller);
    await this.gate.admit(caller);
    return this.reports.record(caller, reportBody.transform(request.body));
  }
}
