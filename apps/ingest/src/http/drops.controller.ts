import { Body, Controller, Logger, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { aggregateIdSchema, digestSchema, type Fact } from '#libs/contracts';
import { EventStore, type StreamName } from '#libs/eventstore';
import { actor, AdminGuard, Answers, correlate, type FieldProblem, Problem, ZodBody } from '#libs/service';
import { decideReceived, DropError, dropIdOf, dropState } from '../domain/drop.js';

const requestSchema = z.strictObject({
  /** The line of kernels it belongs to, e.g. `debian-linux`. */
  product: aggregateIdSchema,
  fileName: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^/\p{Cc}]+$/u, 'a file name without a path'),
  /** The archive's digest: its bytes have been put into the blob store before. */
  archive: digestSchema,
  /** The drop that it follows. */
  base: aggregateIdSchema.optional(),
});
type DropRequest = z.infer<typeof requestSchema>;

/** Takes a vendor's source drop; the worker then unpacks it. */
@Controller('v1/drops')
@UseGuards(AdminGuard)
export class DropsController {
  private readonly log = new Logger('ingest');

  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
  ) {}

  @Post()
  @Answers(z.object({ dropId: aggregateIdSchema }), 'Received, and read when its turn comes', 202)
  async receive(@Body(new ZodBody(requestSchema)) request: DropRequest): Promise<{ dropId: string }> {
    const sizeBytes = await this.check(request);
    const dropId = dropIdOf(request.product, request.archive);
    correlate(dropId);
    const stream: StreamName = `drop.${dropId}`;
    const past = await this.events.readStream(stream);
    const facts = decide(
      past.events.map((one) => one.fact),
      { dropId, ...request, sizeBytes },
    );
    if (facts.length > 0) {
      const commandId = `receive:${dropId}:${past.revision}`;
      const context = { actor: actor(), commandId, correlationId: dropId };
      await this.events.appendToStream(stream, past.revision, facts, context);
      this.log.log(`drop ${dropId} received: ${request.fileName}`);
    }
    return { dropId };
  }

  /** Gives the archive's size. @throws Problem with each field that names what isn't there. */
  private async check({ archive, base, product }: DropRequest): Promise<number> {
    const errors: FieldProblem[] = [];
    const blob = await this.blobs.stat(archive);
    if (!blob) errors.push({ pointer: '/archive', detail: 'no such blob: upload the archive first' });
    if (base !== undefined) {
      const { events } = await this.events.readStream(`drop.${base}`);
      const { received } = dropState(events.map((one) => one.fact));
      if (!received) errors.push({ pointer: '/base', detail: 'no such drop' });
      else if (received.product !== product) errors.push({ pointer: '/base', detail: `a drop of ${received.product}` });
    }
    if (errors.length === 0) return blob?.sizeBytes ?? 0;
    throw new Problem({ status: 422, code: 'invalid-request', title: 'The request is not valid', errors });
  }
}

function decide(past: readonly Fact[], received: Parameters<typeof decideReceived>[1]): readonly Fact[] {
  try {
    return decideReceived(dropState(past), received);
  } catch (error) {
    if (!(error instanceof DropError)) throw error;
    const status = error.code === 'own-base' ? 422 : 409;
    const errors = [{ pointer: '/base', detail: error.message }];
    throw new Problem({ status, code: error.code, title: 'The drop can not follow that one', errors });
  }
}
