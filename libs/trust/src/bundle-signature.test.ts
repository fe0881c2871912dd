import { tokenTypes } from '#libs/contracts';
import { TrustError, verifyBundleSignature } from './index.js';
import { bundleSigners, encode, keys, licenseSigner, newSigner, signManifest } from './signer.fixture.js';

const manifest = Buffer.from('{"schema":1}');
const [first, second, third] = bundleSigners;
const failsWith = (code: string) => expect.objectContaining({ name: 'TrustError', code });
const verify = (jws: object, bytes = manifest, trust = keys) =>
  verifyBundleSignature(JSON.stringify(jws), bytes, trust);

describe('a bundle signature', () => {
  it('holds when enough keys have signed, with the payload or without', async () => {
    const jws = await signManifest(manifest, [first, second]);
    await expect(verify(jws)).resolves.toEqual({ keyIds: ['bundle-1', 'bundle-2'] });
    await expect(verify({ signatures: jws.signatures })).resolves.toEqual({ keyIds: ['bundle-1', 'bundle-2'] });
  });

  it('passes over keys that are not pinned any more', async () => {
    const jws = await signManifest(manifest, [newSigner('bundle-0'), third, first]);
    await expect(verify(jws)).resolves.toEqual({ keyIds: ['bundle-3', 'bundle-1'] });
  });

  it('is refused over other bytes', async () => {
    const jws = await signManifest(manifest, [first, second]);
    const other = Buffer.from('{"schema":2}');
    await expect(verify(jws, other)).rejects.toThrow(failsWith('payload-mismatch'));
    await expect(verify({ signatures: jws.signatures }, other)).rejects.toThrow(failsWith('bad-signature'));
    const swapped = { ...jws, payload: other.toString('base64url') };
    await expect(verify(swapped)).rejects.toThrow(failsWith('payload-mismatch'));
    await expect(verify(swapped, other)).rejects.toThrow(failsWith('bad-signature'));
  });

  it('counts a key once, however often it signs and whatever it is called', async () => {
    const twice = await signManifest(manifest, [first, first]);
    await expect(verify(twice)).rejects.toThrow(failsWith('threshold-not-met'));
    const alias = { ...first, key: { ...first.key, kid: 'bundle-alias' } };
    const trust = { ...keys, bundle: [...keys.bundle, alias.key] };
    const aliased = await signManifest(manifest, [first, alias]);
    await expect(verify(aliased, manifest, trust)).rejects.toThrow(failsWith('threshold-not-met'));
  });

  it('needs its threshold of bundle keys: those of other roles do not count', async () => {
    await expect(verify(await signManifest(manifest, [first]))).rejects.toThrow(failsWith('threshold-not-met'));
    const mixed = await signManifest(manifest, [first, licenseSigner]);
    await expect(verify(mixed)).rejects.toThrow(failsWith('threshold-not-met'));
  });

  it('is refused when a stranger signs in the name of a pinned key', async () => {
    const stranger = { ...newSigner('bundle-2') };
    const jws = await signManifest(manifest, [first, stranger]);
    await expect(verify(jws)).rejects.toThrow(failsWith('bad-signature'));
  });

  it('is refused with another typ, another algorithm or a strange header', async () => {
    const lease = await signManifest(manifest, [first, second], { typ: tokenTypes.lease });
    await expect(verify(lease)).rejects.toThrow(failsWith('wrong-typ'));
    const jws = await signManifest(manifest, [first, second]);
    for (const alg of ['none', 'HS256', 'ES256']) {
      const swapped = { alg, typ: tokenTypes.bundle, kid: 'bundle-1' };
      const signatures = jws.signatures.map((one) => ({ ...one, protected: encode(swapped) }));
      await expect(verify({ ...jws, signatures })).rejects.toThrow(failsWith('wrong-algorithm'));
    }
    const strange = await signManifest(manifest, [first, second], { jku: 'https://evil.example/keys' });
    await expect(verify(strange)).rejects.toThrow(failsWith('malformed-token'));
    const unprotected = { ...jws, signatures: jws.signatures.map((one) => ({ ...one, header: { typ: 'x' } })) };
    await expect(verify(unprotected)).rejects.toThrow(failsWith('malformed-token'));
  });

  it('is refused where it is no general JWS, or too much of one', async () => {
    const jws = await signManifest(manifest, [first, second]);
    const many = { signatures: Array.from({ length: 17 }, () => jws.signatures[0]) };
    for (const wrong of [
      {},
      { signatures: [] },
      { ...jws, extra: 1 },
      many,
      { signatures: [{ protected: '', signature: '' }] },
    ]) {
      await expect(verify(wrong)).rejects.toThrow(failsWith('malformed-token'));
    }
    await expect(verifyBundleSignature('{', manifest, keys)).rejects.toThrow(failsWith('malformed-token'));
    await expect(verifyBundleSignature(' '.repeat(70_000), manifest, keys)).rejects.toBeInstanceOf(TrustError);
  });
});
