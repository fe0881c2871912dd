import type { Request } from './load.js';
import { commitOf, customers, cveOf, digests, licenses, releaseOf, type Size } from './population.js';

type Ask = (random: (below: number) => number, size: Size) => string;

/** What operators, programs and the console ask for: each with its share, in percent. */
const asked: readonly (readonly [name: string, share: number, path: Ask])[] = [
  ['/v1/machines/{id}', 20, (random, { machines }) => `/v1/machines/m${random(machines)}`],
  ['/v1/machines?license', 8, (random) => `/v1/machines?license=l${random(licenses)}`],
  ['/v1/machines?customer&sort', 6, (random) => `/v1/machines?customer=c${random(customers)}&sort=-hostname`],
  ['/v1/machines?kernel', 5, (random) => `/v1/machines?kernel=${releaseOf(random(20))}`],
  ['/v1/machines?state', 3, () => '/v1/machines?state=leased'],
  ['/v1/machines?sort=-position', 3, () => '/v1/machines?sort=-position'],
  ['/v1/machines/{id}/timeline', 4, (random, { machines }) => `/v1/machines/m${random(machines)}/timeline`],
  ['/v1/bundles/{id}', 8, (random, { patches }) => `/v1/bundles/b${random(patches)}`],
  ['/v1/bundles?kernel', 4, (random) => `/v1/bundles?kernel=k${random(20)}`],
  ['/v1/fixes/{id}', 8, (random, { patches }) => `/v1/fixes/f${random(patches)}`],
  ['/v1/fixes?cve', 5, (random, { patches }) => `/v1/fixes?cve=${cveOf(random(patches))}`],
  ['/v1/cves', 2, () => '/v1/cves'],
  ['/v1/cves/{id}', 5, (random, { patches }) => `/v1/cves/${cveOf(random(patches))}`],
  ['/v1/cves/{id}/machines', 4, (random, { patches }) => `/v1/cves/${cveOf(random(patches))}/machines`],
  ['/v1/licenses/{id}', 6, (random) => `/v1/licenses/l${random(licenses)}`],
  ['/v1/events?stream', 4, (random, { machines }) => `/v1/events?stream=machine.m${random(machines)}`],
  ['/v1/patches/{commit}', 2, (random, { patches }) => `/v1/patches/${commitOf(random(patches))}`],
  [
    '/v1/functions/{sha256}/provenance',
    3,
    (random, { patches }) => `/v1/functions/${digests(random(patches)).old}/provenance`,
  ],
];

/** Whole numbers below a bound, the same ones for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    // A linear congruential generator (Numerical Recipes) is random enough to spread requests.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function requestOf(name: string, plain: string, asOf: (() => string) | undefined): Request {
  return { name, path: asOf === undefined ? plain : `${plain}${plain.includes('?') ? '&' : '?'}asOf=${asOf()}` };
}

/** Draws requests from the mix, the same ones for the same seed. */
export function mix(seed: number, size: Size, asOf?: () => string): (n: number) => Request {
  const random = randomFrom(seed);
  const total = asked.reduce((sum, [, share]) => sum + share, 0);
  return () => {
    let at = random(total);
    const [name, , path] = asked.find(([, share]) => (at -= share) < 0) ?? asked[0]!;
    return requestOf(name, path(random, size), asOf);
  };
}

/** Each route of the mix by itself. */
export function eachRoute(seed: number, size: Size, asOf?: () => string) {
  const random = randomFrom(seed);
  return asked.map(([name, , path]) => ({ name, next: () => requestOf(name, path(random, size), asOf) }));
}
