import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '#libs/hostile';
import { gapMs, happens, pickWeighted } from './chance.js';
import type { Fleet } from './fleet.js';

/** NATS and the stages that commands and machines need are killed more often than those that only wait for drops. */
const weightOf: Readonly<Record<string, number>> = {
  'nats-server': 12,
  catalog: 5,
  feed: 5,
  sign: 4,
  ingest: 3,
  diff: 3,
};

/** Kills so many, whichever and whenever the seed says; each is started again at once. */
export class Storm {
  private readonly moments: Random;
  private readonly choices: Random;

  constructor(
    private readonly fleet: Fleet,
    seed: string,
    private readonly meanGapMs: number,
    /** Of a thousand blows, how many wait until everything works again. */
    private readonly patientPermille: number,
  ) {
    this.moments = new Random(seed, 'moments');
    this.choices = new Random(seed, 'victims');
  }

  async blow(kills: number): Promise<void> {
    for (let n = 0; n < kills; n += 1) {
      // Those hit what works; the others what has hardly begun to, or what does without the rest.
      if (happens(this.choices, this.patientPermille)) await this.fleet.untilReady();
      await sleep(gapMs(this.moments, this.meanGapMs));
      pickWeighted(
        this.choices,
        this.fleet.victims.map((one) => [weightOf[one.name] ?? 1, one] as const),
      ).kill();
    }
  }
}
