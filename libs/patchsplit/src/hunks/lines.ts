/**
 * A file's content as lines with their ends, decoded as latin1, so that `lines.join('')` encoded as latin1 is the same
 * bytes. Undefined for what is no text: a file with a NUL in it.
 */
export function linesOf(content: Buffer): readonly string[] | undefined {
  if (content.includes(0)) return undefined;
  return linesIn(content.toString('latin1'));
}

/** A text as lines with their ends. */
export function linesIn(text: string): string[] {
  return text === '' ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

export function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(''), 'latin1');
}
