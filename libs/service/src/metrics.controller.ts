import { Controller, Get, Res, UseGuards } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AdminGuard } from './access/admin.guard.js';
import { Metrics } from './metrics.js';

/** `GET /metrics`, for Prometheus with a viewer's token (`authorization: { credentials_file: … }`). */
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @UseGuards(AdminGuard)
  @ApiOkResponse({
    description: 'In Prometheus’ text format',
    content: { 'text/plain': { schema: { type: 'string' } } },
  })
  async read(@Res() reply: FastifyReply): Promise<void> {
    await reply.header('content-type', this.metrics.contentType).send(await this.metrics.text());
  }
}
