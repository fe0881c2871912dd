/** What speaks for a claim in the first place. */
export type Ground =
  /** Names or words of the subject stand in the change or around it. */
  | 'names'
  /** The subject's prefix fits the path. */
  | 'path'
  /** Only what the hunks linked with it are believed to be. */
  | 'linked'
  /** Hunks of the commit don't compile without it (`closeOver`). */
  | 'needed';

/** A hunk's commit. */
export interface Claim {
  readonly subject: number;
  /** How sure it is, 0…1. */
  readonly belief: number;
  readonly by: Ground;
}

/** The subject that most is believed of, whatever that comes to. */
export interface Favourite extends Claim {
  /** A name of the subject stands in the change, or it stands in what has that name. */
  readonly named: boolean;
  /** The subject's prefix fits the path. */
  readonly placed: boolean;
}
