import { createParamDecorator, type ExecutionContext, Injectable, type PipeTransform } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '#libs/service';
import { positionOf } from '../adapters/cursor.js';
import { TableReader } from '../adapters/table-reader.js';
import { Moments } from '../moments.js';

/** Says which position of the log an answer is as of. */
export const positionHeader = 'as-of-position';

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** The tables as of the moment that a request names with `asOf`, or that its cursor is of; as they are, without either. */
@Injectable()
export class AskedTables implements PipeTransform<Exchange, Promise<TableReader>> {
  constructor(
    private readonly tables: TableReader,
    private readonly moments: Moments,
  ) {}

  async transform({ request, reply }: Exchange): Promise<TableReader> {
    const { asOf, cursor } = request.query as Readonly<Record<string, unknown>>;
    const bound = typeof cursor === 'string' ? positionOf(cursor) : undefined;
    if (bound === undefined && asOf === undefined) return this.tables;
    if (asOf !== undefined && typeof asOf !== 'string') throw twice();
    // All pages of a list are of the moment of its first one, whatever was recorded late since.
    const position = await this.moments.positionAt(bound === undefined ? (asOf ?? '') : String(bound));
    if (/^\d+$/.test(asOf ?? '') && Number(asOf) !== position) throw another();
    void reply.header(positionHeader, String(position));
    return this.tables.asOf(position);
  }
}

const AsAsked = createParamDecorator((_data: unknown, context: ExecutionContext): Exchange => {
  const http = context.switchToHttp();
  return { request: http.getRequest<FastifyRequest>(), reply: http.getResponse<FastifyReply>() };
});

/** Gives a handler the tables as the request wants them, and says in the API's description that it may. */
export function AsOf(): ParameterDecorator {
  return (target, method, index) => {
    if (method === undefined) throw new TypeError('of handlers alone');
    AsAsked(AskedTables)(target, method, index);
    const description =
      'A position of the log, or a time (RFC 3339): everything as it was then. The answer’s `As-Of-Position` says which position that is.';
    const describe = ApiQuery({ name: 'asOf', required: false, schema: { type: 'string' }, description });
    describe(target, method, Object.getOwnPropertyDescriptor(target, method) ?? {});
  };
}

function twice(): Problem {
  const errors = [{ pointer: '/asOf', detail: 'one moment' }];
  return new Problem({ status: 422, code: 'invalid-request', title: 'The request is not valid', errors });
}

function another(): Problem {
  const errors = [{ pointer: '/cursor', detail: 'of another moment: give the `asOf` that it came with' }];
  return new Problem({ status: 422, code: 'invalid-request', title: 'The request is not valid', errors });
}
