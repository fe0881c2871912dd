import { type Tier, tierSchema } from '#libs/contracts';

/**
 * Whether somebody on tier `own` gets what has climbed to tier `reached`. A bundle climbs canary → early → stable, so a canary
 * machine sees it first and every machine sees it last: canary ⊇ early ⊇ stable.
 */
export function tierReceives(own: Tier, reached: Tier): boolean {
  return tierSchema.options.indexOf(reached) >= tierSchema.options.indexOf(own);
}
