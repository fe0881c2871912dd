import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { Problem } from './problem.js';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/**
 * What can be asked of each path. Fastify looks a route up by its method first, so to it a known path with another method is unknown: 404
 * would send its caller to look for a mistyped path.
 */
export class AllowedMethods {
  private readonly paths = new Map<string, KnownPath>();

  /** For fastify's `onRoute`. */
  routed({ url, method }: RouteOptions): void {
    const known = this.paths.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const one of [method].flat()) known.methods.add(one);
    this.paths.set(url, known);
  }

  /** For fastify's `onRequest`. @returns the refusal of a method that the path lacks, whose `Allow` is set (RFC 9110 § 15.5.6) */
  lacking(request: FastifyRequest, reply: FastifyReply): Problem | undefined {
    if (!request.is404) return undefined;
    const [path = ''] = request.url.split('?');
    const matching = [...this.paths.values()].filter(({ pattern }) => pattern.test(path));
    const methods = [...new Set(matching.flatMap((one) => [...one.methods]))].sort().join(', ');
    if (methods === '') return undefined;
    reply.header('allow', methods);
    return new Problem({
      status: 405,
      code: 'method-not-allowed',
      title: 'This method is not allowed here',
      detail: `${request.method} is none of ${methods}`,
    });
  }
}

/** The paths of a route: `/v1/fixes/:id`, `/tuf/metadata/*`. */
function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replace(/:\w+/g, '[^/]+').replace('*', '.*')}$`);
}
