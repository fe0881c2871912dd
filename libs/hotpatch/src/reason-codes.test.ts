import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { reasonCodes } from './reason-codes.js';

const here = dirname(fileURLToPath(import.meta.url));
const documented = join(here, '..', '..', '..', 'docs', 'refusals.md');

const head = `# Refusals and notices

A fix that can't be made into a live patch is refused with every reason at once, each with a code, the symbol or file, and advice. A
notice comes with a live patch that is made all the same. Codes are stable: programs may depend on them. This table is made from
\`libs/objdiff/src/reason-codes.ts\` and \`libs/hotpatch/src/reason-codes.ts\` (\`UPDATE_GOLDEN=1\` with the test beside the latter).
`;

const rows = (kind: string): string =>
  Object.entries(reasonCodes)
    .filter(([, one]) => one.kind === kind)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { meaning, advice }]) => `| \`${code}\` | ${meaning} | ${advice} |\n`)
    .join('');

const section = (title: string, kind: string): string =>
  `\n## ${title}\n\n| code | what it means | what to do |\n| - | - | - |\n${rows(kind)}`;

async function table(): Promise<string> {
  const text = head + section('Refusals', 'refusal') + section('Notices', 'notice');
  return await format(text, { ...(await resolveConfig(documented)), parser: 'markdown' });
}

test('the document has every code', async () => {
  const expected = await table();
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(documented, expected);
  expect(readFileSync(documented, 'utf8')).toBe(expected);
});

/** Codes in the source, wherever a reason is made. */
function codesIn(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) => [
      ...readFileSync(join(folder, file), 'utf8').matchAll(/(?:code: |because\(\w+, )'([a-z][a-z-]+)'/g),
    ])
    .map(([, code = '']) => code);
}

test('every code that a reason is made with is in the table, with advice', () => {
  const used = new Set(codesIn(here));
  expect(used).toContain('too-many-objects');
  expect(used).toContain('layout-changed');
  expect(used).toContain('no-code');
  expect([...used].filter((code) => reasonCodes[code] === undefined)).toEqual([]);
  for (const { meaning, advice } of Object.values(reasonCodes)) {
    expect(meaning).toMatch(/^\w.*[.…]$/);
    expect(advice).toMatch(/^[A-Z].*\.$/);
  }
});
