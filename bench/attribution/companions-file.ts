import type { Companions } from './companions.js';

/** The source of libs/patchsplit/src/evidence/companions.ts with these. */
export function companionsFile(companions: Companions): string {
  const rows = [...companions].map(([word, tokens]) => {
    const told = [...tokens].map(([token, by]) => `${JSON.stringify(token)}: ${by}`);
    return `  ${JSON.stringify(word)}: { ${told.join(', ')} },`;
  });
  return `/**
 * For stems of words that subjects say, the words and forms (\`formOf\`) of code that come with them in the hunks of such commits, each with how
 * much likelier they are there than elsewhere (ln). Learnt by \`npm run bench:attribution -- companions\` from steps that the weights weren't
 * fitted on: ADR 14 says which.
 */
// prettier-ignore
export const companions: Readonly<Record<string, Readonly<Record<string, number>>>> = {
${rows.join('\n')}
};
`;
}
