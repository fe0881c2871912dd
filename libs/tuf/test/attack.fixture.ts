import type { TufErrorCode } from '../src/errors.js';
import type { Attack, World } from './world.fixture.js';

/**
 * One attack, and what the client must say to it. When the client was last here: root 1, targets 1, channel 2, release 1, snapshot 2.
 * Since then bundle "two" was published: release 2, snapshot 3, timestamp 3.
 */
export interface AttackCase {
  readonly attack: string;
  readonly code: TufErrorCode;
  /** How long after the update that went well. */
  readonly afterMs?: number;
  /** Versions that a thief pushed up stand until the keys of snapshot and timestamp are changed (5.3.11). */
  readonly endsWith?: 'new keys';
  /** The mirror is the attacker's from now on. `old` is what it had when the client was last here. */
  readonly begin: (world: World, old: ReadonlyMap<string, Uint8Array>) => Promise<Attack>;
}

export const roleFile = (version: number): string => `${version}.debian-amd64%2F6.1.0-54-amd64.json`;
