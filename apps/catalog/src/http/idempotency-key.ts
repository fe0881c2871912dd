import { randomUUID } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from '#libs/service';

/**
 * The wish's own name: the header `Idempotency-Key`, else one that nobody will repeat. (draft-ietf-httpapi-idempotency-key-header;
 * its quotes are optional here.)
 */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
  if (header === undefined) return randomUUID();
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new Problem({
    status: 422,
    code: 'invalid-request',
    title: 'The request is not valid',
    detail: 'Idempotency-Key is one header of 1 to 255 printable ASCII characters, no space',
  });
});
