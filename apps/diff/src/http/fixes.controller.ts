import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { z } from 'zod';
import { aggregateIdSchema, gitIdSchema } from '#libs/contracts';
import { AdminGuard, Answers, ZodBody } from '#libs/service';
import { Proposals } from '../proposals.js';

const maxFixes = 1000;

const requestSchema = z
  .strictObject({
    /** The kernel that the fixes are for. */
    kernelId: aggregateIdSchema,
    /** The drop whose tree the kernel was built from; else the one that it was received with. */
    baseDropId: aggregateIdSchema.optional(),
    /** Take commits of this split drop. */
    dropId: aggregateIdSchema.optional(),
    select: z
      .strictObject({
        commits: z.array(gitIdSchema).min(1).max(maxFixes).optional(),
        limit: z.number().int().min(1).max(maxFixes).optional(),
        cveOnly: z.boolean().optional(),
      })
      .optional(),
    /** Or a patch of one's own: a unified diff in git's form, `-p1`. */
    patch: z
      .strictObject({
        subject: z.string().trim().min(1).max(1024),
        text: z.string().min(1).max(4_000_000),
        cves: z
          .array(z.string().regex(/^CVE-\d{4}-\d{4,19}$/))
          .max(64)
          .optional(),
      })
      .optional(),
  })
  .refine(({ dropId, patch }) => (dropId === undefined) !== (patch === undefined), {
    error: 'name either a drop to take commits from, or a patch',
    path: ['dropId'],
  });
type FixRequest = z.infer<typeof requestSchema>;

/** Proposes fixes for a kernel; the build stage then makes live patches of them, or refuses. */
@Controller('v1/fixes')
@UseGuards(AdminGuard)
export class FixesController {
  constructor(private readonly proposals: Proposals) {}

  @Post()
  @Answers(z.object({ fixIds: z.array(aggregateIdSchema) }), 'Proposed, and built when their turn comes', 202)
  async propose(@Body(new ZodBody(requestSchema)) request: FixRequest): Promise<{ fixIds: string[] }> {
    const { kernelId, baseDropId, dropId, select = {}, patch } = request;
    const target = await this.proposals.targetOf(kernelId, baseDropId);
    if (patch) return { fixIds: [await this.proposals.proposePatch(target, patch)] };
    return { fixIds: await this.proposals.proposeCommits(target, dropId ?? '', select) };
  }
}
