/** Something that must never be. */
export interface Violation {
  /** Which promise is broken. */
  readonly check: string;
  readonly what: string;
  /** The least that shows it. */
  readonly context?: unknown;
  /** The key of the wish, where it is one only if that was carried out: what changed nothing has left no trace to go by. */
  readonly ofWish?: string;
}

const shown = 2_000;

/** A violation for people. */
export function describe({ check, what, context }: Violation): string {
  const around = context === undefined ? '' : `\n    ${JSON.stringify(context).slice(0, shown)}`;
  return `  ${check}: ${what}${around}`;
}
