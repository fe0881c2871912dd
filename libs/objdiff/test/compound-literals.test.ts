import { diffObjects, type ObjectDiff } from '#libs/objdiff';
import { compile } from './compile.js';

/** As hwmon's tables of channels: literals within literals, of which none has a name. */
const info = (type: number, ...config: number[]): string =>
  `&(struct info) { ${type}, (unsigned int []) { ${[...config, 0].join()} } }`;

/** A table of them, which others may write to or none, and a function that differs before and after. `more` stands before it. */
const source = (qualifier: '' | 'static const', infos: readonly string[], more = ''): string =>
  `struct info { int type; const unsigned int *config; }; ${more}
   ${qualifier} struct info *${qualifier.replace('static', '')} infos[] = { ${infos.join()} };
   int f(int i) { return other(infos[i]->type + K); }`;

async function diff(before: string, after: string): Promise<unknown> {
  const [original, patched] = await Promise.all([compile(`#define K 1\n${before}`), compile(`#define K 2\n${after}`)]);
  return gist(diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original, patched }));
}

function gist(outcome: ObjectDiff): unknown {
  if (outcome.outcome === 'refused') return outcome.reasons.map(({ code, symbol }) => `${code} ${symbol ?? ''}`).sort();
  return outcome.outcome === 'changed' ? { changed: outcome.changed, added: [...outcome.added].sort() } : 'no change';
}

/** The last two are alike in part, so content alone doesn't tell theirs. */
const infos = [info(1, 7), info(2, 7, 8), info(2, 7)];

test('an object with literals within literals is no other than itself', async () => {
  const object = await compile(`#define K 1\n${source('', infos)}`);
  const same = diffObjects({ objectFile: 'small.o', owner: 'vmlinux', original: object, patched: object });
  expect(gist(same)).toBe('no change');
});

test('their numbers say nothing: others before them are no change of theirs', async () => {
  const [before, after] = [source('', infos), source('', infos, `static struct info *first = ${info(9, 1)};`)];
  const usesFirst = `${after} struct info *g(void) { return first++; }`;
  expect(await diff(before, usesFirst)).toEqual({
    changed: ['f'],
    added: ['__compound_literal.0', '__compound_literal.1', 'first', 'g'],
  });
});

test('what changes in them is told', async () => {
  const after = [infos[0] ?? '', info(2, 7, 9), infos[2] ?? ''];
  expect(await diff(source('', infos), source('', after))).toEqual([
    expect.stringMatching(/^data-changed __compound_literal\.\d+$/),
  ]);
});

test('a table that gets one in front keeps the others: a constant one is copied with the new one, any other refused', async () => {
  const after = [info(5, 5), ...infos];
  expect(await diff(source('static const', infos), source('static const', after))).toEqual({
    changed: ['f'],
    added: ['__compound_literal.0', '__compound_literal.1', 'infos'],
  });
  expect(await diff(source('', infos), source('', after))).toEqual(['data-size-changed infos']);
});

const another = (text: string): string => `struct info *another[] = { ${text} };`;

test('one that a table no longer has is not the one that another table gets', async () => {
  expect(await diff(source('', infos, another('0')), source('', infos.slice(1), another(infos[0] ?? '')))).toEqual([
    'data-changed another',
    'data-size-changed infos',
  ]);
});
