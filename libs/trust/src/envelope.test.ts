import { sign } from 'node:crypto';
import { encodeEnvelope, openEnvelope, preAuthEncoding, TrustError, verifyBundleSignature } from './index.js';
import { bundleSigners, encode, keys, licenseSigner, newSigner, type Signer } from './signer.fixture.js';

const type = 'application/vnd.in-toto+json';
const statement = Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}');
const [first, second, third] = bundleSigners;

/** Signed as it is to be, or over something else. */
function sealed(signers: readonly Signer[], over = preAuthEncoding(type, statement), payloadType = type): Buffer {
  const signatures = signers.map(({ privateKey, key }) => ({ keyid: key.kid, sig: sign(null, over, privateKey) }));
  return encodeEnvelope(payloadType, statement, signatures);
}
const edited = (bytes: Buffer, edit: (envelope: Record<string, unknown>) => void): Buffer => {
  const envelope = JSON.parse(bytes.toString()) as Record<string, unknown>;
  edit(envelope);
  return Buffer.from(JSON.stringify(envelope));
};
const opening =
  (bytes: Uint8Array, trust = keys) =>
  () =>
    openEnvelope(bytes, type, trust);
const unsigned = expect.objectContaining({ name: 'TrustError', code: 'attestation-unsigned' });

describe('an envelope', () => {
  it('is over its payload and its type, as the specification’s own example has it', () => {
    const example = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(example.toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('opens when enough keys have signed it', () => {
    expect(opening(sealed([first, second]))()).toEqual({ payload: statement, keyIds: ['bundle-1', 'bundle-2'] });
  });

  it('passes over keys that are not pinned any more, and a rebuilder’s', () => {
    const { keyIds } = opening(sealed([newSigner('rebuilder'), third, first]))();
    expect(keyIds).toEqual(['bundle-3', 'bundle-1']);
  });

  it.each<[string, Buffer]>([
    ['by too few', sealed([first])],
    ['by one key twice', sealed([first, first])],
    ['by another role’s key', sealed([first, licenseSigner])],
    ['by a stranger in the name of a pinned key', sealed([first, second, newSigner('bundle-3')])],
    ['over another type', sealed([first, second], preAuthEncoding('text/plain', statement))],
    ['over the payload alone', sealed([first, second], statement)],
    ['as something else', sealed([first, second], preAuthEncoding('text/plain', statement), 'text/plain')],
    ['with another payload', edited(sealed([first, second]), (it) => (it['payload'] = encode({ other: 1 })))],
    ['with a payload that is no base64', edited(sealed([first, second]), (it) => (it['payload'] += '!'))],
    ['by nobody', edited(sealed([first, second]), (it) => (it['signatures'] = []))],
    [
      'by a crowd',
      edited(sealed([first]), (it) => (it['signatures'] = Array.from({ length: 17 }, () => ({ sig: 'AA==' })))),
    ],
    ['in no JSON', Buffer.from('{')],
    ['in other JSON', Buffer.from('[]')],
  ])('is refused when signed %s', (_how, bytes) => {
    expect(opening(bytes)).toThrow(unsigned);
  });

  it('counts a key once, whatever it is called', () => {
    const alias = { ...first, key: { ...first.key, kid: 'bundle-alias' } };
    const trust = { ...keys, bundle: [...keys.bundle, alias.key] };
    expect(opening(sealed([first, alias]), trust)).toThrow(unsigned);
  });

  it('is no signature of a manifest, nor the other way round, though the same keys make both', async () => {
    const header = encode({ alg: 'EdDSA', typ: 'splicecast-bundle+jws', kid: first.key.kid });
    const signature = sign(null, preAuthEncoding(type, statement), first.privateKey).toString('base64url');
    const jws = JSON.stringify({ signatures: [{ protected: header, signature }] });
    await expect(verifyBundleSignature(jws, statement, { ...keys, bundleThreshold: 1 })).rejects.toThrow(TrustError);
    const over = Buffer.from(`${header}.${statement.toString('base64url')}`);
    expect(opening(sealed([first, second], over))).toThrow(unsigned);
  });
});
