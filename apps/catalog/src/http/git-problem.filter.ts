import { type ArgumentsHost, Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemFilter, problemOf } from '#libs/service';

const retryAfterSec = 30;

/** Git shows its user what is text/plain and nothing else, so git gets a problem in words; everybody else gets the document. */
@Catch()
export class GitProblemFilter extends ProblemFilter {
  // Nest would look for what the base class takes.
  // oxlint-disable-next-line no-useless-constructor -- it is what Nest reads
  constructor() {
    super();
  }

  override catch(error: unknown, host: ArgumentsHost): unknown {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = problemOf(error);
    // What is left of a body that nobody reads is not the next request.
    void reply.header('connection', 'close');
    if (problem?.status === 503) void reply.header('retry-after', retryAfterSec);
    const isGit = request.headers['user-agent']?.startsWith('git/') ?? false;
    // oxlint-disable-next-line promise/valid-params -- a filter's `catch`, no promise's
    if (problem === undefined || !isGit) return super.catch(error, host);
    const { title, detail } = problem.init;
    const words = detail === undefined ? title : `${title}: ${detail}`;
    return reply.status(problem.status).header('content-type', 'text/plain; charset=utf-8').send(`${words}\n`);
  }
}
