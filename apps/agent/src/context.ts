import type { Loader } from '#libs/loader';
import { type HttpLimits, standardHttpLimits } from '#libs/tuf';
import { HttpFeed } from './adapters/http-feed.js';
import type { MachineKey } from './adapters/machine-key.js';
import type { StateFolder } from './adapters/state-folder.js';
import type { FeedService } from './ports.js';

/** What the agent works with. */
export interface AgentContext {
  readonly state: StateFolder;
  readonly loader: Loader;
  readonly now: () => Date;
  /** One line for people: journald's, or the console's. Never a secret. */
  readonly log: (line: string) => void;
  /** How long a transition may take before it is taken back. */
  readonly transitionTimeoutMs: number;
  /** How slow a download may be: libs/tuf's standard where nothing is said. */
  readonly httpLimits?: HttpLimits;
}

export function feedAt(
  url: string,
  key: MachineKey,
  { now, httpLimits = standardHttpLimits }: AgentContext,
): FeedService {
  return new HttpFeed(url.replace(/\/+$/, ''), key, now, httpLimits);
}
