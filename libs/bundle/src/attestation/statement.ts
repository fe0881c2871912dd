import { Buffer } from 'node:buffer';
import { digestSchema } from '#libs/contracts';
import { z } from 'zod';
import { canonicalJson, parseJsonBytes } from '../canonical-json.js';
import { BundleError } from '../errors.js';

/** in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md). */
export const statementType = 'https://in-toto.io/Statement/v1';

/** The media type under which a statement is signed (spec/v1/envelope.md): part of what the signature is over. */
export const statementMediaType = 'application/vnd.in-toto+json';

/** A predicate type: any URI that names no more than a kind of statement. */
export const predicateTypeSchema = z.string().regex(/^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,200}$/);

/** A statement. Members that aren't known are passed over, as the specification asks: what is newer may say more. */
export const statementSchema = z.object({
  _type: z.literal(statementType),
  subject: z
    .array(z.object({ name: z.string().min(1).max(512), digest: z.object({ sha256: digestSchema }) }))
    .min(1)
    .max(64),
  predicateType: predicateTypeSchema,
  predicate: z.record(z.string(), z.unknown()),
});
/** What an attestation says, of what. */
export type Statement = z.infer<typeof statementSchema>;

/** A statement about one module. The same facts give the same bytes. */
export function encodeStatement(statement: Statement): Buffer {
  return Buffer.from(canonicalJson(statement), 'utf8');
}

/** Reads what was signed. @throws BundleError `attestation-malformed`. */
export function decodeStatement(bytes: Uint8Array): Statement {
  const parsed = statementSchema.safeParse(parseJsonBytes(bytes));
  if (parsed.success) return parsed.data;
  throw new BundleError('attestation-malformed', `it is no in-toto statement: ${z.prettifyError(parsed.error)}`);
}
