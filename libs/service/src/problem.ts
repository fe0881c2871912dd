import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { EventStoreError } from '#libs/eventstore';
import { BlobError } from '#libs/blobs';

/** A field that is wrong: its JSON pointer (RFC 6901) in the body, and what is wrong with it. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

export interface ProblemInit {
  readonly status: number;
  /** kebab-case, stable; the problem's `type` is `urn:splicecast:problem:<code>`. */
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly errors?: readonly FieldProblem[];
  /** Members of the problem's own (RFC 9457 § 3.2). */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A refusal that is answered as a problem document (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;

  constructor(readonly init: ProblemInit) {
    super(init.detail ?? init.title);
    this.status = init.status;
    this.code = init.code;
  }

  /** The document itself. */
  toJSON(): Record<string, unknown> {
    const { status, code, title, detail, errors, extra } = this.init;
    return { type: `urn:splicecast:problem:${code}`, title, status, code, detail, errors, ...extra };
  }

  static notFound(what: string, id: string): Problem {
    return new Problem({ status: 404, code: 'not-found', title: 'Not found', detail: `there is no ${what} ${id}` });
  }
}

const fastifyCodes: Readonly<Record<string, ProblemInit>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'body-too-large', title: 'The body is too large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'unsupported-media-type',
    title: 'This content type is not accepted here',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'malformed-body', title: 'The body is empty' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'malformed-body', title: 'The body is not JSON' },
};

/** What Nest itself refuses before a handler is asked: fastify's own errors reach us as statuses. */
const statusCodes: Readonly<Record<number, string>> = {
  400: 'malformed-body',
  404: 'not-found',
  413: 'body-too-large',
  415: 'unsupported-media-type',
};

/** Turns whatever a handler threw into a problem; undefined if it is a bug of ours. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof BlobError) {
    const status = {
      'blob-not-found': 404,
      'blob-too-large': 413,
      'digest-mismatch': 422,
      'no-space': 507,
      'bad-range': 416,
    };
    return new Problem({ status: status[error.code], code: error.code, title: error.message });
  }
  if (error instanceof EventStoreError) {
    const status = {
      'wrong-expected-revision': 409,
      'unwritable-event': 422,
      unavailable: 503,
      'no-such-dead-letter': 404,
    };
    return new Problem({ status: status[error.code], code: error.code, title: error.message });
  }
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return new Problem({ status, code: statusCodes[status] ?? 'refused', title: error.message });
  }
  if (error instanceof SyntaxError && 'statusCode' in error && error.statusCode === 400) {
    return new Problem({ status: 400, code: 'malformed-body', title: 'The body is not JSON', detail: error.message });
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const known = fastifyCodes[error.code];
    if (known) return new Problem({ ...known, detail: error.message });
  }
  return undefined;
}

/** Nest reads forms, which nothing here takes. @returns why it isn't read; undefined: it is none */
export function notAForm(request: FastifyRequest): Problem | undefined {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return undefined;
  return new Problem({ status: 415, code: 'unsupported-media-type', title: 'Forms are not taken here: send JSON' });
}

export function notAUrl(error: Error): Problem {
  return new Problem({ status: 400, code: 'malformed-url', title: 'This is no URL', detail: error.message });
}

const codes = new WeakMap<object, string>();

/** The code of the problem that a request was answered with; undefined: none. */
export function problemCodeOf(request: object): string | undefined {
  return codes.get(request);
}

/** Answers every error as a problem document; what isn't expected is logged here and told to nobody outside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): unknown {
    // Event handlers' errors decide between retry and dead letter: they belong to the transport.
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem =
      problemOf(error) ??
      new Problem({ status: 500, code: 'internal', title: 'Something broke here', extra: { requestId: request.id } });
    if (problem.status >= 500) {
      const path = request.url.split('?')[0];
      this.log.error(`${request.method} ${path} (request ${request.id}) failed: ${describe(error)}`);
    }
    return answerProblem(problem, request, reply);
  }
}

export function answerProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): unknown {
  codes.set(request, problem.code);
  return reply.status(problem.status).header('content-type', 'application/problem+json').send(problem.toJSON());
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
