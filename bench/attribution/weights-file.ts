import type { Weights } from '#libs/patchsplit';

/** The source of libs/patchsplit/src/evidence/weights.ts with these weights. */
export function weightsFile(looks: readonly Weights[]): string {
  return `import type { Weights } from './belief.js';

/**
 * What \`attribute\` looks at in its first, second and third look at each pair; the first knows no context. Fitted, not written by hand: ADR 14
 * says on what and how, and what they reach on steps that they weren't fitted on. A row is a hidden unit, a column a feature, in the order
 * of \`pairFeatures\` and \`contextFeatures\`.
 */
// prettier-ignore
export const stages: readonly Weights[] = [
${looks.map(lookOf).join('\n')}
];
`;
}

function lookOf({ pair, hidden, bias, out, none }: Weights): string {
  return `  {
    pair: ${rowOf(pair)},
    hidden: [
${hidden.map((unit) => `      ${rowOf(unit)},`).join('\n')}
    ],
    bias: ${rowOf(bias)},
    out: ${rowOf(out)},
    none: ${rowOf(none)},
  },`;
}

function rowOf(values: readonly number[]): string {
  return `[${values.join(', ')}]`;
}
