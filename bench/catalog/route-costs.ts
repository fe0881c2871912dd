import { load, type Request } from './load.js';

/** What one way to ask costs. */
export interface RouteCost {
  readonly name: string;
  /** Processor time of the service for one answer, all its threads, in ms. */
  readonly cpuMs: number;
}

const warmUps = 5;
const requests = 40;
const ratePerSec = 100;

/**
 * Asks one route after the other, and nothing else meanwhile, so that what the service's processor time was for is known.
 * @param cpuMs what the service has used so far
 */
export async function routeCosts(
  url: string,
  headers: Record<string, string>,
  routes: readonly { readonly name: string; readonly next: () => Request }[],
  cpuMs: () => Promise<number>,
): Promise<readonly RouteCost[]> {
  const costs: RouteCost[] = [];
  for (const { name, next } of routes) {
    await load(url, headers, ratePerSec, warmUps / ratePerSec, next);
    const before = await cpuMs();
    await load(url, headers, ratePerSec, requests / ratePerSec, next);
    costs.push({ name, cpuMs: ((await cpuMs()) - before) / requests });
  }
  return costs;
}
