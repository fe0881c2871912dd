import type { OpenAPIObject } from '@nestjs/swagger';

/**
 * What the parameters of the routes that read may be, by path. A test asks the service for each, and holds the answer against the
 * answer that is described: what isn't here is a parameter that nobody sees an example of.
 */
const examples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/v1/drops': { state: 'split', product: 'debian-linux-6-1', sort: '-firstPosition' },
  '/v1/drops/{id}': { id: 'd2' },
  '/v1/drops/{id}/commits': { id: 'd2', kind: 'attributed', sort: '-ordinal' },
  '/v1/patches': { drop: 'd2', kind: 'attributed', cve: 'CVE-2026-1111', sort: 'subject' },
  '/v1/patches/{commit}': { commit: '1111111111111111111111111111111111111111' },
  '/v1/kernels': { state: 'imported', distro: 'debian', release: '6.1.0-54-amd64', sort: 'release' },
  '/v1/kernels/{id}': { id: 'k54' },
  '/v1/fixes': { state: 'built', kernel: 'k54', cve: 'CVE-2026-1111', sort: '-position' },
  '/v1/fixes/{id}': { id: 'f1' },
  '/v1/functions/{sha256}/provenance': { sha256: '1111111111111111111111111111111111111111111111111111111111111111' },
  '/v1/levels': { state: 'built', kernel: 'k54', sort: 'level' },
  '/v1/levels/{id}': { id: 'k54.1' },
  '/v1/bundles': {
    state: 'promoted',
    tier: 'stable',
    kernel: 'k54',
    fix: 'f1',
    cve: 'CVE-2026-1111',
    sort: 'kernelId',
  },
  '/v1/bundles/{id}': { id: 'b1' },
  '/v1/bundles/{id}/machines': { id: 'b1', state: 'applied', sort: 'machineId' },
  '/v1/customers': { sort: 'name' },
  '/v1/customers/{id}': { id: 'acme' },
  '/v1/licenses': { state: 'revoked', kind: 'trial', customer: 'bmce', sort: '-expiresAt' },
  '/v1/licenses/{id}': { id: 'l1' },
  '/v1/licenses/{id}/explain': { id: 'l1', distro: 'debian', major: '12', tier: 'stable' },
  '/v1/machines': {
    state: 'leased',
    kernel: '6.1.0-54-amd64',
    distro: 'debian',
    license: 'l1',
    customer: 'acme',
    sort: 'hostname',
  },
  '/v1/machines/{id}': { id: 'm1' },
  '/v1/machines/{id}/timeline': { id: 'm1', type: 'UpdateApplied', sort: '-position' },
  '/v1/cves': { sort: '-cveId' },
  '/v1/cves/{id}': { id: 'CVE-2026-1111' },
  '/v1/cves/{id}/machines': {
    id: 'CVE-2026-1111',
    state: 'exposed',
    kernel: '6.1.0-54-amd64',
    license: 'l1',
    sort: 'hostname',
  },
  '/v1/tokens': { state: 'revoked', role: 'operator', sort: 'name' },
  '/v1/tokens/{id}': { id: 't1' },
  '/v1/calls': { token: 't1', method: 'POST', sort: '-position' },
  '/v1/publications': { kind: 'metadata', sort: '-position' },
  '/v1/events': { type: 'FixProposed', stream: 'fix.f1', actor: 'test', sort: '-position' },
};

/** What every list and resource takes. */
const everywhere: Readonly<Record<string, string | number>> = { limit: 10, asOf: '30' };

interface Parameter {
  readonly name: string;
  example?: unknown;
}

/** Shows an example of each parameter of the routes that read. */
export function withExamples(document: OpenAPIObject): OpenAPIObject {
  for (const [path, { get }] of Object.entries(document.paths)) {
    const own: Readonly<Record<string, string | number>> = { ...everywhere, ...examples[path] };
    for (const parameter of (get?.parameters ?? []) as Parameter[]) {
      const example = own[parameter.name];
      if (example !== undefined) parameter.example = example;
    }
  }
  return document;
}
