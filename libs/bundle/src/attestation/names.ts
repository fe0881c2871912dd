import { z } from 'zod';
import { predicateTypes } from './predicates.js';
import { predicateTypeSchema } from './statement.js';

/** Where an attestation lies in the artefact. One folder, one kind of file, as for payloads. */
const attestationPathSchema = z.string().regex(/^attest\/[a-z0-9-]{1,55}\.dsse\.json$/);

/** What a manifest names of an attestation. Not its digest: whoever rebuilds a bundle may add his signature to the envelope. */
export const attestationNameSchema = z.object({ path: attestationPathSchema, predicateType: predicateTypeSchema });
export type AttestationName = z.infer<typeof attestationNameSchema>;

const paths: Readonly<Record<keyof typeof predicateTypes, string>> = {
  provenance: 'attest/provenance.dsse.json',
  recomposition: 'attest/recomposition.dsse.json',
  objectDiff: 'attest/object-diff.dsse.json',
};

/**
 * What must be attested of a bundle: how it was built and what it replaces, and, of fixes that are commits of a split drop, the split.
 * Somebody's own patch comes from nowhere that could be shown.
 */
export function standardAttestations(fixes: readonly { readonly commit?: string }[]): AttestationName[] {
  const kinds: (keyof typeof predicateTypes)[] = ['objectDiff', 'provenance'];
  if (fixes.some(({ commit }) => commit !== undefined)) kinds.push('recomposition');
  return kinds.map((kind) => ({ path: paths[kind], predicateType: predicateTypes[kind] }));
}
