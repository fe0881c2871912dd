import { type CanActivate, type ExecutionContext, Injectable, type RawBodyRequest, SetMetadata } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { allows, RateLimit } from '#libs/access';
import { type Role, roleSchema } from '#libs/contracts';
import { Clock } from '../clock.js';
import { Problem } from '../problem.js';
import { LiveTokens } from './live-tokens.js';
import { identify } from './request-context.js';
import { Wishes } from './wishes.js';

const neededRole = 'splicecast.role';

/** The role that a route needs. Without it: `viewer` to read, `operator` to change something. */
export function Needs(role: Role): MethodDecorator & ClassDecorator {
  return SetMetadata(neededRole, role);
}

/** The role that a route needs, as its handler or its controller says. */
export function neededRoleOf(controller: object, handler: object, reads: boolean): Role {
  for (const target of [handler, controller]) {
    const said: unknown = Reflect.getMetadata(neededRole, target);
    if (said !== undefined) return roleSchema.parse(said);
  }
  return reads ? 'viewer' : 'operator';
}

/** Of one token. What a person or a script does stays far below; what floods is slowed down, not the service. */
const callsOfToken = { perSec: 1_000, burst: 2_000 };
/** Of one address, with tokens that are nobody's. */
const failuresOfAddress = { perSec: 0.2, burst: 20 };

/** Lets in who shows a token with the role that the route needs: `Authorization: Bearer …`. */
@Injectable()
export class AdminGuard implements CanActivate {
  private readonly calls = new RateLimit(callsOfToken);
  private readonly failures = new RateLimit(failuresOfAddress);

  constructor(
    private readonly tokens: LiveTokens,
    private readonly clock: Clock,
    private readonly wishes: Wishes,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<RawBodyRequest<FastifyRequest>>();
    const reply = http.getResponse<FastifyReply>();
    const at = this.clock.now();
    const secret = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(request.headers.authorization ?? '')?.[1];
    const principal = secret === undefined ? undefined : this.tokens.find(secret);
    if (principal === undefined) {
      // Never before a token is looked at: behind a proxy all callers have one address, and whoever guesses must lock nobody out.
      if (secret !== undefined) slowDown(reply, this.failures.take(request.ip, at));
      throw new Problem({
        status: 401,
        code: 'unauthorized',
        title: 'A token is needed',
        detail:
          'send `Authorization: Bearer <token>`: the one shown when the service first started, or one issued since',
      });
    }
    identify(request, principal);
    slowDown(reply, this.calls.take(principal.tokenId, at));
    const needed = neededRoleOf(context.getClass(), context.getHandler(), ['GET', 'HEAD'].includes(request.method));
    if (allows(principal.role, needed)) {
      this.wishes.asked(request);
      return true;
    }
    throw new Problem({
      status: 403,
      code: 'role-too-low',
      title: `This needs the role ${needed}`,
      detail: `token ${principal.tokenId} has the role ${principal.role}`,
    });
  }
}

function slowDown(reply: FastifyReply, waitSec: number): void {
  if (waitSec === 0) return;
  reply.header('retry-after', String(waitSec));
  throw new Problem({
    status: 429,
    code: 'too-many-requests',
    title: 'Too many requests',
    detail: `try again in ${waitSec} s`,
  });
}
