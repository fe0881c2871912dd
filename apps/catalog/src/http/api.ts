import { applyDecorators, type PipeTransform, UseGuards, UseInterceptors } from '@nestjs/common';
import { z } from 'zod';
import { aggregateIdSchema } from '#libs/contracts';
import { AdminGuard, Problem } from '#libs/service';
import { EntityTag } from './entity-tag.interceptor.js';
import { Refusals } from './refusal.interceptor.js';

/** A controller for operators: they show the admin token; what is read has an entity tag. */
export function AdminApi(): ClassDecorator {
  return applyDecorators(UseGuards(AdminGuard), UseInterceptors(EntityTag, Refusals));
}

/** A page of a list. */
export function pageOf(row: z.ZodType) {
  return z.object({
    items: z.array(row),
    nextCursor: z.string().optional().describe('Give it as `cursor` for the next page; absent on the last one.'),
  });
}

/** An id in a path. One that can't be one names nothing: 404, as for every other unknown id. */
export class KnownId implements PipeTransform<string, string> {
  constructor(private readonly what: string) {}

  transform(id: string): string {
    if (aggregateIdSchema.safeParse(id).success) return id;
    throw Problem.notFound(this.what, id.slice(0, 100));
  }
}
