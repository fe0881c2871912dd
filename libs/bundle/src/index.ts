export * from './artefact.js';
export { checkStatement } from './attestation/agreement.js';
export { type AttestationName, standardAttestations } from './attestation/names.js';
export {
  buildTypes,
  type Material,
  type ObjectDiff,
  predicateTypes,
  type Provenance,
  type Recomposition,
  type TakenCommit,
} from './attestation/predicates.js';
export {
  decodeStatement,
  encodeStatement,
  type Statement,
  statementMediaType,
  statementSchema,
  statementType,
} from './attestation/statement.js';
export * from './canonical.js';
export * from './errors.js';
export * from './manifest.js';
