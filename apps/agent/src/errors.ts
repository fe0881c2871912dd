import type { MetadataCode } from './domain/metadata-code.js';

export type AgentErrorCode =
  /** `register` was never run, or not to its end. */
  | 'not-registered'
  /** The service refused the licence, or the lease ended. */
  | 'license-refused'
  /** Something that must be trusted isn't: the trust file, the service's lease. */
  | 'untrusted'
  /** The service answers with a lease that is over, or was given for something else: an old one, shown again. */
  | 'lease-replayed'
  /** Something is wrong with the signed metadata. */
  | MetadataCode
  /** Another trust file is pinned already. */
  | 'trust-changed'
  /** The service can't be reached or has trouble of its own. Nothing is wrong with this machine. */
  | 'service-unavailable'
  /** The service understood, and said no. */
  | 'service-refused'
  /** What the service sent makes no sense. */
  | 'malformed-answer'
  | 'unknown-bundle'
  /** The bundle is held back and was not released. */
  | 'held'
  /** Something could not be applied or taken back. */
  | 'not-done'
  /** Another agent process is at work. */
  | 'busy'
  | 'unsupported-kernel'
  /** Not root. */
  | 'not-permitted'
  /** The verification of bundles lets in what it must refuse, or refuses what is good. */
  | 'self-test-failed'
  /** A file of the state folder can't be read, or is broken. */
  | 'broken-state'
  | 'bad-input';

/** What the agent can't do, and what to do about it. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  constructor(
    readonly code: AgentErrorCode,
    message: string,
    readonly advice?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The service lets this machine have nothing new. `code` is the service's, `said` its sentence. */
export function licenseRefused(code: string, said: string): AgentError {
  const advice = 'what is applied stays; for new fixes run `splicecast register` with a licence that holds';
  return new AgentError('license-refused', `the service refused (${code}): ${said}`, advice);
}
