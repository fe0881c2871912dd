import { applyDecorators, HttpCode, type PipeTransform, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiHeader, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { aggregateIdSchema } from '#libs/contracts';
import { AdminGuard, Problem } from '#libs/service';
import { EntityTag } from './entity-tag.interceptor.js';
import { Refusals } from './refusal.interceptor.js';

/** A controller for operators: they show the admin token; what is read has an entity tag. */
export function AdminApi(): ClassDecorator {
  return applyDecorators(UseGuards(AdminGuard), UseInterceptors(EntityTag, Refusals), ApiBearerAuth('admin'));
}

/** Says what a route answers. */
export function Answers(schema: z.ZodType, description: string, status = 200): MethodDecorator {
  return applyDecorators(HttpCode(status), ApiResponse({ status, description, standardSchema: schema }));
}

/** A route that changes something, at most once for each key. */
export function Idempotent(): MethodDecorator {
  const description = 'Names the wish: told again, it is carried out once and answered the same.';
  return applyDecorators(ApiHeader({ name: 'Idempotency-Key', required: false, description }));
}

/** A page of a list. */
export function pageOf(row: z.ZodType) {
  return z.object({
    items: z.array(row),
    nextCursor: z.string().optional().describe('Give it as `cursor` for the next page; absent on the last one.'),
  });
}

/** The query of a list, with its filters. What isn't known here is refused rather than ignored. */
export function listQuery<S extends z.ZodRawShape>(filters: S) {
  return z.strictObject({
    limit: z.coerce.number().int().min(1).max(500).default(50).describe('How many at the most.'),
    cursor: z.string().max(1024).optional().describe('`nextCursor` of the page before.'),
    ...filters,
  });
}

/** A filter for an exact value. */
export const exactly = z.string().min(1).max(256).optional();

/** An id in a path. One that can't be one names nothing: 404, as for every other unknown id. */
export class KnownId implements PipeTransform<string, string> {
  constructor(private readonly what: string) {}

  transform(id: string): string {
    if (aggregateIdSchema.safeParse(id).success) return id;
    throw Problem.notFound(this.what, id.slice(0, 100));
  }
}
