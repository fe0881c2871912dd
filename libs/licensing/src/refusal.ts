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
  /** The id names another customer already. */
  | 'customer-exists';

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
