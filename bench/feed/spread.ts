/** How something spread over many, in ms from its beginning. */
export interface Spread {
  readonly reached: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Two ways of the same, in turn, and what the first took of the second's time. */
export interface Compared {
  readonly service: Spread;
  readonly plain: Spread;
  readonly ratioP50: number;
  readonly ratioP99: number;
}

/** Milliseconds since 1970, finer than the clock's: the same in all processes of a machine. */
export const now = (): number => performance.timeOrigin + performance.now();

/** @param times when each was reached, in ms since 1970, as `began`. */
export function spreadOf(times: readonly number[], began: number): Spread {
  const sorted = times.map((at) => at - began).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { reached: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Runs both in turn, the first to run being another one each time; the rounds whose p99 is the median count. The first round warms up. */
export async function inTurn(
  rounds: number,
  service: (round: number) => Promise<Spread>,
  plain: (round: number) => Promise<Spread>,
): Promise<Compared> {
  const spreads = { service: [] as Spread[], plain: [] as Spread[] };
  for (let round = 0; round <= rounds; round += 1) {
    const order = round % 2 === 0 ? (['service', 'plain'] as const) : (['plain', 'service'] as const);
    for (const who of order) {
      const spread = await (who === 'service' ? service(round) : plain(round));
      if (round > 0) spreads[who].push(spread);
    }
  }
  const [own, other] = [medianSpread(spreads.service), medianSpread(spreads.plain)];
  return { service: own, plain: other, ratioP50: own.p50Ms / other.p50Ms, ratioP99: own.p99Ms / other.p99Ms };
}

function medianSpread(rounds: readonly Spread[]): Spread {
  const median = rounds.toSorted((a, b) => a.p99Ms - b.p99Ms)[Math.floor(rounds.length / 2)];
  return median ?? spreadOf([], 0);
}
