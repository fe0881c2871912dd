export type ProjectionErrorCode =
  /** An event goes on with something that never began: the log is not one of ours. */
  | 'orphan-event'
  | 'unhandled-event'
  /** A blob that an event names doesn't hold what the event says. */
  | 'malformed-blob'
  /** Another process moved the checkpoint: two projections on one database. */
  | 'checkpoint-moved';

/** The projection can't go on past this event, now or later. */
export class ProjectionError extends Error {
  override readonly name = 'ProjectionError';
  constructor(
    readonly code: ProjectionErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
