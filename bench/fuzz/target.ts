import type { Field } from '#libs/hostile';

/** A reader of bytes from outside, and what it may say of bad ones. */
export interface Target {
  readonly name: string;
  /** Well-formed inputs: the reader takes each of them. */
  readonly seeds: readonly Buffer[];
  fields(bytes: Buffer): readonly Field[];
  /** What becomes of a damaged seed before it is read: compressed, packed, its checksums mended. */
  wrap?(damaged: Buffer): Buffer | Promise<Buffer>;
  /** Reads it, and all that is in it. Throws what the reader throws. */
  run(input: Buffer): unknown;
  /** Is the error one that this reader declares, with one of its codes? */
  isTyped(error: unknown): boolean;
}

/** Tells errors of some classes whose `code` is among theirs. */
export function typedBy(
  ...kinds: readonly (readonly [new (...args: never) => Error, Readonly<Record<string, true>>])[]
): (error: unknown) => boolean {
  return (error) =>
    kinds.some(
      ([type, codes]) => error instanceof type && Object.hasOwn(codes, (error as Error & { code: string }).code),
    );
}
