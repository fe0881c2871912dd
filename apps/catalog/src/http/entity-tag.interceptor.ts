import { createHash } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { Problem } from '#libs/service';
import { positionHeader } from './as-of.js';

/**
 * Gives what is read an entity tag, and answers 304 to who has it already (RFC 9110 § 13.1.2). What is read as of a position has a tag of
 * that position.
 */
@Injectable()
export class EntityTag implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    if (request.method !== 'GET') return next.handle();
    return next.handle().pipe(
      map((body) => {
        const position = reply.getHeader(positionHeader);
        if (position === undefined) refuseAsOf(request);
        const text = JSON.stringify(body);
        const hash = createHash('sha256').update(position === undefined ? '' : `${String(position)}\n`);
        const tag = `"${hash.update(text).digest('base64url').slice(0, 27)}"`;
        void reply.header('etag', tag).header('cache-control', 'private, no-cache');
        if (matches(request.headers['if-none-match'], tag)) {
          void reply.status(304);
          return undefined;
        }
        void reply.type('application/json; charset=utf-8');
        return text;
      }),
    );
  }
}

/** What is known of now alone is never told as if it were of then. @throws Problem 400 */
function refuseAsOf({ query }: FastifyRequest): void {
  if ((query as Readonly<Record<string, unknown>>)['asOf'] === undefined) return;
  const title = 'This is known of now alone';
  throw new Problem({ status: 400, code: 'as-of-not-here', title, detail: 'ask without `asOf`' });
}

/** Weak comparison: `W/` doesn't matter here. */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag);
}
