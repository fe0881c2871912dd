import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { Problem } from './problem.js';

/**
 * Checks a body, query or parameter against its schema; a problem with a JSON pointer for each wrong field otherwise.
 * `@Body(new ZodBody(schema)) body: z.infer<typeof schema>`
 */
export class ZodBody<T> implements PipeTransform<unknown, T> {
  constructor(readonly schema: z.ZodType<T>) {}

  transform(value: unknown): T {
    const parsed = this.schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new Problem({
      status: 422,
      code: 'invalid-request',
      title: 'The request is not valid',
      errors: parsed.error.issues.slice(0, 100).map((issue) => ({
        pointer: issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
        detail: issue.message,
      })),
    });
  }
}
