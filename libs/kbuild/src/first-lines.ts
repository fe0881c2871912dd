/** What a tool said first, cut to what a person reads. */
export function firstLines(text: string): string {
  return text.split('\n').slice(0, 12).join('\n').slice(0, 2000);
}
