import { printable, printableLine } from './printable.js';

const hostile = 'web-1\u001B[2J\u009B31m\u007F a\u202Eb\r\u2066 é → 修';

describe('a text for people', () => {
  it('shows what a terminal would obey', () => {
    expect(printable(hostile)).toBe('web-1\\u001b[2J\\u009b31m\\u007f a\\u202eb\\u000d\\u2066 é → 修');
  });

  it('keeps its lines and tabs; a line keeps none', () => {
    expect(printable('a\n\tb\u0000')).toBe('a\n\tb\\u0000');
    expect(printableLine('a\n\tb\u0000')).toBe('a\\u000a\\u0009b\\u0000');
  });

  it('of JSON stays the same document', () => {
    const document = { [hostile]: [hostile, 'a\n\t"\\u'] };
    const text = printable(JSON.stringify(document, null, 2));
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\u202e\u2066]/u);
    expect(JSON.parse(text)).toEqual(document);
  });
});
