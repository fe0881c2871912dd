import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';

/** Says what a route answers. */
export function Answers(schema: z.ZodType, description: string, status = 200): MethodDecorator {
  return applyDecorators(HttpCode(status), ApiResponse({ status, description, standardSchema: schema }));
}

/** Says what bytes a route answers. */
export function AnswersBytes(mediaType: string, description: string, status = 200): MethodDecorator {
  const content = { [mediaType]: { schema: { type: 'string', format: 'binary' } } };
  return applyDecorators(HttpCode(status), ApiResponse({ status, description, content }));
}
