import fc from 'fast-check';
import { SymbolTable } from './symbol-table.js';

const names = fc.constantFrom('a', 'b', 'ab', 'ba', 'do_exit', '__already_done.3', 'x'.repeat(300));
const objects = fc.constantFrom('vmlinux', 'ext4', '8021q');
const lines = fc.array(fc.tuple(names, objects, fc.constantFrom('t', 'T', 'd')), { maxLength: 60 });

const textOf = (of: readonly (readonly [string, string, string])[]): string =>
  of
    .map(([name, object, type]) => `ffffffff81000000 ${type} ${name}${object === 'vmlinux' ? '' : `\t[${object}]`}\n`)
    .join('');

describe('the table of symbols', () => {
  it('counts each name in each object as going through all lines would', () => {
    fc.assert(
      fc.property(lines, names, objects, (all, name, object) => {
        const table = new SymbolTable(Buffer.from(textOf(all), 'latin1'));
        const expected = all.filter(([ofName, ofObject]) => ofName === name && ofObject === object).length;
        expect(table.count(object, name)).toBe(expected);
      }),
    );
  });

  it('passes over what is no line of its own', () => {
    const text = `${textOf([['f', 'vmlinux', 't']])}no such line\n\n${textOf([['f', 'vmlinux', 't']])}ffffffff81000000 t f`;
    expect(new SymbolTable(Buffer.from(text)).count('vmlinux', 'f')).toBe(2);
  });

  it.each(['', '\n', 'x', ' ', 'no line at all'])('has nothing where the text is %j', (text) => {
    expect(new SymbolTable(Buffer.from(text)).count('vmlinux', 'f')).toBe(0);
  });
});
