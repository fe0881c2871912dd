/** What a terminal would obey rather than show: control characters, and what turns the reading direction. */
const obeyed = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * A text as it may be shown to people, its line breaks and tabs kept. A machine says itself what its host is called, a vendor what its
 * commits are, a service what it offers: none may clear a screen, or colour a refusal green (`web-1\u001b[2J`). What is escaped is
 * escaped as JSON does it, so that a JSON document stays the same document.
 */
export function printable(text: string): string {
  return text.replaceAll(obeyed, (character) => (/[\n\t]/.test(character) ? character : escaped(character)));
}

/** Likewise in one line: nobody's name may add a line of its own to what we say (`a fix\nstate      current`). */
export function printableLine(text: string): string {
  return text.replaceAll(obeyed, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
