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
    const parsed = this.schema.safeParse(value, { error: said });
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

/** Where zod speaks of types, what whoever sent the request can do about it; `undefined`: zod says it well. */
const said: z.core.$ZodErrorMap = ({ code, input, ...issue }) => {
  if (code === 'invalid_type' && input === undefined) {
    // Of the whole of it: nothing was sent, or it wasn't said to be JSON.
    const isBody = (issue.path ?? []).length === 0;
    return isBody ? 'is missing: send JSON, with `content-type: application/json`' : 'is missing';
  }
  if (code === 'invalid_type' && Number.isNaN(input)) return 'is no number';
  if (code === 'invalid_format' && issue['format'] === 'datetime') return 'is no time like 2026-11-23T12:00:00Z';
  return undefined;
};
