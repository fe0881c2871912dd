export type LicensingRefusalCode =
  /** The vendor's own distribution is served without limit: it needs no trial. */
  | 'trial-not-needed'
  /** One trial for each customer and distribution, ended or not. */
  | 'trial-already-issued'
  /** A licence without end covers the vendor's own distribution only. */
  | 'foreign-distribution'
  /** The plan says when the licence ends; it can't be chosen. */
  | 'end-not-negotiable'
  /** The end lies before the beginning. */
  | 'ends-before-it-begins'
  /** The plan doesn't cover so many machines. */
  | 'too-many-seats'
  /** The id names another licence already. */
  | 'license-exists'
  | 'license-unknown'
  /** What was revoked stays so. */
  | 'license-revoked'
  /** A plan without periods: a trial, or one without end. */
  | 'not-renewable'
  /** It has no end. */
  | 'not-extendable'
  /** The plan gives no more days on top. */
  | 'too-many-days'
  /** The plan lets it change hands so often a year. */
  | 'too-many-transfers'
  /** The terms are these already. */
  | 'nothing-to-change'
  /** The id names another customer already. */
  | 'customer-exists'
  | 'machine-unknown'
  /** It has no seat that could be freed. */
  | 'machine-not-enrolled'
  /** What was retired stays so. */
  | 'machine-retired';

/** A command that the rules of licensing don't allow. Nothing was decided. */
export class LicensingRefusal extends Error {
  override readonly name = 'LicensingRefusal';
  constructor(
    readonly code: LicensingRefusalCode,
    message: string,
    /** The field of the command that it is about. */
    readonly field?: string,
  ) {
    super(message);
  }
}
