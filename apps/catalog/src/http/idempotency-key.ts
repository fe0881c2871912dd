import { randomUUID } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { principalOf } from '#libs/service';

/**
 * The wish's own name: the header `Idempotency-Key` (`Wishes` has checked it), else one that nobody will repeat. Each token's wishes are
 * its own: two scripts that both count from 1 are not taken for one.
 */
export const IdempotencyKey = createParamDecorator((_data: unknown, context: ExecutionContext): string => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const header = request.headers['idempotency-key'];
  return typeof header === 'string' ? `${principalOf(request)?.tokenId ?? ''} ${header}` : randomUUID();
});
