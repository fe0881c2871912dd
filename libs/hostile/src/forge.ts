import { canonicalBytes, type Signer } from '#libs/tuf';

/**
 * What a thief of keys does: signed metadata (TUF 1.0.34 § 4.2) with its signed part changed, and signed by these keys alone, whether or not they
 * are enough.
 */
export async function forge(
  bytes: Uint8Array | undefined,
  keys: readonly Signer[],
  edit: (signed: any) => void, // oxlint-disable-line typescript/no-explicit-any -- an attacker keeps to no type
): Promise<Buffer> {
  if (bytes === undefined) throw new Error('there is nothing to forge');
  const { signed } = JSON.parse(Buffer.from(bytes).toString());
  edit(signed);
  const payload = canonicalBytes(signed);
  const signatures = await Promise.all(
    keys.map(async (key) => ({ keyid: key.keyId, sig: (await key.sign(payload)).toString('hex') })),
  );
  return canonicalBytes({ signed, signatures });
}
