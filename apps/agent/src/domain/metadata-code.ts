import type { Reason } from '#libs/contracts';
import type { TufErrorCode } from '#libs/tuf';

/** Codes that only a repository's side meets. */
type PublishersCode = 'invalid-name' | 'role-full' | 'unknown-role' | 'wrong-keys' | 'not-the-same';
/** What libs/tuf can find wrong here. */
export type ClientCode = Exclude<TufErrorCode, PublishersCode>;

/** What is wrong with the signed metadata, as this machine says it: stable, for other programs. */
export type MetadataCode =
  // A bundle's manifest has a threshold of its own, and a service that can't be reached is nothing special.
  | Exclude<ClientCode, 'threshold-not-met' | 'unreachable'>
  | 'metadata-threshold-not-met'
  /** The first root isn't the one that is pinned. */
  | 'wrong-root'
  /** No whole state of it that would know the bundle could be had: the check-in says why. */
  | 'no-metadata'
  /** The service says that a bundle was withdrawn, and no role that may say so does. */
  | 'recall-unsigned'
  /** The list of recalls is genuine and makes no sense to this agent. */
  | 'malformed-recalls';

const byItself = 'it passes with the next check-in that goes well; what is applied stays';
const attacked =
  'somebody between this machine and the service, or the service itself, may be hostile: tell its operator';

/** What to do about each. */
export const metadataAdvice: Readonly<Record<MetadataCode, string>> = {
  'malformed-metadata': attacked,
  'unsupported-spec': 'update this agent: the metadata is of a later version of its format',
  'wrong-role': attacked,
  'metadata-threshold-not-met': attacked,
  rollback: `${attacked}; if keys were stolen, it ends with the operator’s new root`,
  freeze: `see that this machine’s clock is right and the service is reached; ${byItself}`,
  'mix-and-match': byItself,
  'endless-data': attacked,
  'slow-retrieval': `see that the network is right; ${byItself}`,
  withheld: byItself,
  'wrong-target': `it is fetched again later; if it stays so, ${attacked}`,
  'unknown-target': 'no role vouches for it: it comes once the service has published it',
  'unsupported-hash': 'update this agent: the metadata names no digest that it knows',
  'search-too-wide': attacked,
  'wrong-root': 'get trust.json again, by a way that you trust, and register with it',
  'no-metadata': byItself,
  'recall-unsigned': `nothing is taken back for it, and it isn’t applied either; ${byItself}`,
  'malformed-recalls': 'update this agent',
};

/** Which codes say that the machine’s trust is at stake, and not only its network. */
const harmless: ReadonlySet<string> = new Set<MetadataCode>(['slow-retrieval', 'unknown-target', 'no-metadata']);

export function isMetadataCode(code: string): code is MetadataCode {
  return Object.hasOwn(metadataAdvice, code);
}

export function isMetadataAttack(code: string): boolean {
  return isMetadataCode(code) && !harmless.has(code);
}

/** Of these nothing is known against the bundle, and looking again costs no download: each check-in may end them. */
export function endsWithCheckIn(reasons: readonly Reason[]): boolean {
  return reasons.every(
    ({ code }) => (isMetadataCode(code) && !spoilt.has(code)) || code === 'lease-ended' || code === 'lease-untrusted',
  );
}

/** What came of a download: tried again, but not at each turn. */
const spoilt: ReadonlySet<string> = new Set<MetadataCode>(['wrong-target', 'endless-data', 'slow-retrieval']);

export function metadataReason(code: MetadataCode, reason: string): Reason {
  return { code, reason: reason.slice(0, 4096), advice: metadataAdvice[code] };
}

/** libs/tuf's code as this machine says it; undefined for one that says nothing of what was served. */
export function metadataCodeOf(code: TufErrorCode): MetadataCode | undefined {
  if (code === 'threshold-not-met') return 'metadata-threshold-not-met';
  return isMetadataCode(code) ? code : undefined;
}
