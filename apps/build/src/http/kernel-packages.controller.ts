import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { BlobStore } from '#libs/blobs';
import { aggregateIdSchema, digestSchema, type KernelPackage } from '#libs/contracts';
import { EventStore, type StreamName } from '#libs/eventstore';
import { actor, AdminGuard, Answers, Problem, ZodBody } from '#libs/service';
import { decideReceived, kernelIdOf, kernelState } from '../domain/kernel.js';

const requestSchema = z.strictObject({
  distro: aggregateIdSchema,
  packages: z
    .array(
      z.strictObject({
        role: z.enum(['image', 'headers']),
        fileName: z.string().min(1).max(255),
        digest: digestSchema,
      }),
    )
    .min(2)
    .max(8),
  /** The source drop that the kernel was built from. */
  dropId: aggregateIdSchema.optional(),
});
type KernelRequest = z.infer<typeof requestSchema>;

/** Takes the vendor's packages of a kernel; their bytes have been put into the blob store before. */
@Controller('v1/kernels')
@UseGuards(AdminGuard)
export class KernelPackagesController {
  constructor(
    private readonly events: EventStore,
    private readonly blobs: BlobStore,
  ) {}

  @Post()
  @Answers(z.object({ kernelId: aggregateIdSchema }), 'Received, and imported when its turn comes', 202)
  async receive(@Body(new ZodBody(requestSchema)) request: KernelRequest): Promise<{ kernelId: string }> {
    const { distro, dropId } = request;
    const packages = await this.present(request);
    const kernelId = kernelIdOf(packages.map(({ digest }) => digest));
    const stream: StreamName = `kernel.${kernelId}`;
    const past = await this.events.readStream(stream);
    const received = { kernelId, distro, packages, ...(dropId === undefined ? {} : { dropId }) };
    const facts = decideReceived(kernelState(past.events.map((one) => one.fact)), received);
    if (facts.length > 0) {
      const commandId = `receive:${kernelId}:${past.revision}`;
      await this.events.appendToStream(stream, past.revision, facts, {
        actor: actor(),
        commandId,
        correlationId: kernelId,
      });
    }
    return { kernelId };
  }

  private async present({ packages }: KernelRequest): Promise<KernelPackage[]> {
    const found = await Promise.all(packages.map(async ({ digest }) => await this.blobs.stat(digest)));
    const errors = [];
    if (packages.filter(({ role }) => role === 'image').length !== 1) {
      errors.push({ pointer: '/packages', detail: 'exactly one package must have the role `image`' });
    }
    for (const [i, ref] of found.entries()) {
      if (!ref) errors.push({ pointer: `/packages/${i}/digest`, detail: 'no such blob: upload the package first' });
    }
    if (errors.length > 0) {
      throw new Problem({ status: 422, code: 'invalid-request', title: 'The request is not valid', errors });
    }
    return packages.map((one, i) => ({ ...one, sizeBytes: found[i]?.sizeBytes ?? 0 }));
  }
}
