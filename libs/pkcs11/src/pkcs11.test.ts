import { addSignature, draftRoot, Ed25519Signer, standardPolicy, standingsOf } from '#libs/tuf';
import { SoftToken } from '../../../test/soft-token.js';
import { Pkcs11Signer } from './index.js';

let token: SoftToken;
beforeAll(async () => {
  token = await SoftToken.make();
});
afterAll(() => token.remove());

const refused = (code: string) => expect.objectContaining({ name: 'TokenError', code });

it('a holder signs a root with a key that never leaves its token, beside holders with files', async () => {
  const inToken = await Pkcs11Signer.open(token.uri());
  const others = [1, 2, 3, 4].map(() => Ed25519Signer.generate());
  const root = [inToken, ...others];
  const holders = { root, targets: others, snapshot: others, timestamp: others };
  const draft = draftRoot(undefined, holders, standardPolicy, Date.now());
  // r and s are whatever they come to: several, so that some have a sign bit to mind.
  for (let n = 0; n < 8; n++) {
    const [standing] = standingsOf(await addSignature(draft, inToken), undefined);
    expect(standing?.signed).toEqual([inToken.keyId]);
  }
});

it.each<[string, () => string, string]>([
  ['a token that isn’t there', () => token.uri({ token: 'none' }), 'token-refused'],
  ['a key that isn’t there', () => token.uri({ id: '%77' }), 'token-refused'],
  ['a key of another kind', () => token.uri({ id: '%01' }), 'wrong-key'],
  ['a PIN in the URI itself', () => token.uri({ more: `&pin-value=${token.pin}` }), 'malformed-uri'],
  ['a PIN that isn’t where it should be', () => token.uri({ pinFile: '/nowhere' }), 'token-refused'],
  ['no module', () => 'pkcs11:token=holder;id=%02', 'malformed-uri'],
  ['no URI of a key', () => 'file:/etc/passwd', 'malformed-uri'],
])('%s is refused', async (_what, asked, code) => {
  await expect(Pkcs11Signer.open(asked())).rejects.toThrow(refused(code));
});

it('a wrong PIN is refused, and no PIN is told', async () => {
  const wrong = token.uri().replace(/&pin-source.*/, '');
  const error: Error = await Pkcs11Signer.open(wrong, '999999').then(
    () => new Error('opened'),
    (reason: Error) => reason,
  );
  expect(error).toEqual(refused('token-refused'));
  expect(`${error.message} ${String(error.cause)}`).not.toContain('999999');
});
