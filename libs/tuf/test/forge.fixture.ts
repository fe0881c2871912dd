// What a thief of keys does: signs whatever is wanted.
import { asObject, parseJson } from '../src/metadata/json.js';
import type { Signer } from '../src/keys/signer.js';
import { signStatement } from '../src/repository/sign.js';

type Editable = Record<string, never> & { [name: string]: unknown };

/** The file with its signed part changed, and signed by these keys alone. */
export function forge(
  bytes: Uint8Array | undefined,
  signers: readonly Signer[],
  edit: (signed: any) => void, // oxlint-disable-line typescript/no-explicit-any -- an attacker keeps to no type
): Promise<Buffer> {
  if (bytes === undefined) throw new Error('there is nothing to forge');
  const signed = structuredClone(asObject(parseJson(bytes)['signed'], 'signed')) as unknown as Editable;
  edit(signed);
  return signStatement(signed, signers, 0);
}
