import { BundleError, type BundleErrorCode } from '#libs/bundle';
import type { Reason } from '#libs/contracts';
import { ElfError } from '#libs/elf';
import { LoaderError, type LoaderErrorCode } from '#libs/loader';
import { TrustError, type TrustErrorCode } from '#libs/trust';
import { TufError } from '#libs/tuf';
import {
  isMetadataAttack,
  isMetadataCode,
  type MetadataCode,
  metadataCodeOf,
  metadataReason,
} from './domain/metadata-code.js';
import { AgentError } from './errors.js';

/** Why a bundle doesn't get near the kernel, besides what libs/bundle, libs/trust and libs/loader find. */
export type RefusalCode =
  | MetadataCode
  | 'wrong-length'
  | 'wrong-digest'
  /** A genuine bundle, but not the one that was asked for. */
  | 'wrong-bundle'
  | 'wrong-distro'
  | 'wrong-arch'
  | 'wrong-release'
  | 'wrong-build-id'
  | 'wrong-module'
  | 'malformed-module'
  | 'no-livepatch-module'
  | 'wrong-vermagic'
  /** It is not the level, or not of the fixes, that the service announced. */
  | 'wrong-level'
  /** A level would silently drop a live patch that isn't this agent's. */
  | 'foreign-livepatch'
  | 'function-conflict'
  | 'recalled'
  /** What is new needs a lease that holds. */
  | 'lease-ended'
  /** The lease isn't genuine, or isn't this machine's. */
  | 'lease-untrusted'
  | 'klp-symbol-missing'
  | 'no-space'
  | 'not-cached';

/** A bundle that must not, or could not, be applied: every reason at once. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(readonly reasons: readonly [Reason, ...Reason[]]) {
    super(reasons.map(({ reason }) => reason).join('; '));
  }

  static metadata(code: MetadataCode, reason: string): Refusal {
    return new Refusal([metadataReason(code, reason)]);
  }

  static of(code: RefusalCode, reason: string, advice?: string): Refusal {
    return new Refusal([{ code, reason, ...(advice === undefined ? {} : { advice }) }]);
  }
}

/** Codes that say that somebody tampered, or that the pinned keys are out of date: the machine's trust is at stake, not the bundle. */
const trustCodes: ReadonlySet<string> = new Set<TrustErrorCode | BundleErrorCode | RefusalCode>([
  'malformed-token',
  'wrong-typ',
  'wrong-algorithm',
  'unknown-key',
  'bad-signature',
  'payload-mismatch',
  'threshold-not-met',
  'attestation-missing',
  'attestation-malformed',
  'attestation-unsigned',
  'attestation-of-another',
  'attestation-contradicts',
  'wrong-digest',
  'wrong-bundle',
  'lease-untrusted',
]);

export function isTrustReason({ code }: Pick<Reason, 'code'>): boolean {
  return trustCodes.has(code) || isMetadataAttack(code);
}

const loaderAdvice: Partial<Record<LoaderErrorCode, string>> = {
  'transition-stalled': 'it is tried again later; restarting the named tasks lets it through',
  'reverse-stalled': 'restarting the named tasks lets it through',
  lockdown: 'run `splicecast doctor`',
  'signature-required': 'run `splicecast doctor`',
  'not-permitted': 'run it as root',
  'program-missing': 'install the package kmod',
};

/** An expected failure as reasons; anything else is thrown on. */
export function reasonsOf(error: unknown): readonly [Reason, ...Reason[]] {
  if (error instanceof Refusal) return error.reasons;
  if (error instanceof TufError) {
    const code = metadataCodeOf(error.code);
    if (code !== undefined) return [metadataReason(code, error.message)];
  }
  if (error instanceof AgentError && isMetadataCode(error.code)) return [metadataReason(error.code, error.message)];
  if (error instanceof LoaderError) return [reason(error.code, error.message, loaderAdvice[error.code])];
  if (error instanceof BundleError) return [reason(error.code, error.message)];
  if (error instanceof TrustError) {
    return [
      reason(error.code, error.message, 'if the service changed its keys, register again with the new trust file'),
    ];
  }
  if (error instanceof ElfError) return [reason('malformed-module', error.message)];
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return [reason('no-space', message, 'free some disk space')];
  throw error;
}

function reason(code: string, text: string, advice?: string): Reason {
  return { code, reason: text.slice(0, 4096), ...(advice === undefined ? {} : { advice }) };
}
