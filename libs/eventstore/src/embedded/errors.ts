export type EmbeddedNatsErrorCode =
  /** No nats-server binary; the message has the command that installs one. */
  | 'no-nats-server'
  /** Another program listens on the port that was asked for. */
  | 'port-in-use'
  /** Another running service has this data folder. */
  | 'data-folder-in-use'
  /** The server didn't start, or died again and again; the message has its last words. */
  | 'server-failed';

export class EmbeddedNatsError extends Error {
  override readonly name = 'EmbeddedNatsError';
  constructor(
    readonly code: EmbeddedNatsErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
