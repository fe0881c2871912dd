export type TufErrorCode =
  /** Not TUF metadata, or larger, deeper or stranger than metadata may be. */
  | 'malformed-metadata'
  /** Written for another major version of the specification. */
  | 'unsupported-spec'
  /** Genuine metadata of another role in this one's place. */
  | 'wrong-role'
  /** Too few distinct keys of the role have signed: arbitrary installation, or a stolen key on its own. */
  | 'threshold-not-met'
  /** Older than what was already trusted, or a version left out of the root chain. */
  | 'rollback'
  /** Expired: somebody holds back what is newer, or the repository has stopped. */
  | 'freeze'
  /** Not the file that the role above it names: parts of different states put together. */
  | 'mix-and-match'
  /** More bytes than were announced or are allowed. */
  | 'endless-data'
  /** Slower than the time that a file may take. */
  | 'slow-retrieval'
  /** The mirror doesn't serve what the signed metadata names. */
  | 'withheld'
  /** No answer, or none that is HTTP. */
  | 'unreachable'
  /** The target's bytes are not those that its role vouches for. */
  | 'wrong-target'
  /** No role that may do so vouches for the target. */
  | 'unknown-target'
  /** The target's role names no digest that this client can compute. */
  | 'unsupported-hash'
  /** Delegations lead through more roles than one search may visit. */
  | 'search-too-wide'
  /** Of the repository: a name that can't be a role, a path or a part of them. */
  | 'invalid-name'
  /** Of the repository: the role may hold no further target. */
  | 'role-full'
  /** Of the repository: no such role. */
  | 'unknown-role'
  /** Of the repository: the keys at hand are not those that the role above names. */
  | 'wrong-keys'
  /** Of a ceremony: copies of one file that say different things. */
  | 'not-the-same';

/** What must not be trusted, or can't be published, and why. */
export class TufError extends Error {
  override readonly name = 'TufError';
  constructor(
    readonly code: TufErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
