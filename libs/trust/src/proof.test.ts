import { CompactSign } from 'jose';
import { tokenTypes } from '#libs/contracts';
import { machineIdOf, makeProof, thumbprintOf, verifyProof } from './index.js';
import { forgeToken, newSigner } from './signer.fixture.js';

const failsWith = (code: string) => expect.objectContaining({ name: 'TrustError', code });
const machine = newSigner('');
const { kid: _, ...publicJwk } = machine.key;
const at = new Date('2026-11-23T10:00:00.000Z');
const request = { method: 'POST', path: '/v1/machines?x=%20', body: Buffer.from('{}'), at };
const later = (ms: number) => new Date(at.getTime() + ms);
const prove = (changed: Partial<typeof request> = {}) =>
  makeProof({ ...request, ...changed, privateKey: machine.privateKey, publicJwk });

describe('a proof of possession', () => {
  it('names the machine', async () => {
    const proof = await verifyProof(await prove(), request);
    const names = { machineId: machineIdOf(publicJwk), keyThumbprint: thumbprintOf(publicJwk) };
    expect(proof).toEqual({ jwk: publicJwk, ...names, jti: expect.stringMatching(/^.{22}$/) });
    expect(proof.machineId).toMatch(/^[0-9a-f]{40}$/);
  });

  it('is another one each time', async () => {
    const [a, b] = [await verifyProof(await prove(), request), await verifyProof(await prove(), request)];
    expect(a.jti).not.toBe(b.jti);
  });

  it('is good for one request only', async () => {
    const proof = await prove();
    const others = [
      { method: 'GET' },
      { path: '/v1/machines' },
      { path: '/v1/machines?x= ' },
      { body: Buffer.from('{ }') },
    ];
    for (const other of others) {
      await expect(verifyProof(proof, { ...request, ...other })).rejects.toThrow(failsWith('wrong-request'));
    }
  });

  it('of a request without a body is good for no body', async () => {
    const empty = { ...request, method: 'GET', body: Buffer.alloc(0) };
    const proof = await makeProof({ ...empty, privateKey: machine.privateKey, publicJwk });
    await verifyProof(proof, empty);
    await expect(verifyProof(proof, { ...empty, body: Buffer.from('x') })).rejects.toThrow(failsWith('wrong-request'));
  });

  it('is good for five minutes, either way', async () => {
    const proof = await prove();
    for (const ms of [-300_000, 300_000]) await verifyProof(proof, { ...request, at: later(ms) });
    for (const ms of [-301_000, 301_000]) {
      await expect(verifyProof(proof, { ...request, at: later(ms) })).rejects.toThrow(failsWith('stale-proof'));
    }
  });

  it('is refused when it was not made with the key that it names', async () => {
    const stolen = await makeProof({ ...request, privateKey: newSigner('').privateKey, publicJwk });
    await expect(verifyProof(stolen, request)).rejects.toThrow(failsWith('bad-signature'));
  });

  it('is refused with another algorithm, typ or a private key in it', async () => {
    const claims = { htm: 'POST' };
    const none = forgeToken({ alg: 'none', typ: tokenTypes.proof, jwk: publicJwk }, claims, () => '');
    await expect(verifyProof(none, request)).rejects.toThrow(failsWith('wrong-algorithm'));
    const lease = forgeToken({ alg: 'EdDSA', typ: tokenTypes.lease, jwk: publicJwk }, claims, () => '');
    await expect(verifyProof(lease, request)).rejects.toThrow(failsWith('wrong-typ'));
    const secret = { ...publicJwk, d: 'x'.repeat(43) };
    const leaky = forgeToken({ alg: 'EdDSA', typ: tokenTypes.proof, jwk: secret }, claims, () => '');
    await expect(verifyProof(leaky, request)).rejects.toThrow(failsWith('malformed-token'));
  });

  it('is refused in any other spelling', async () => {
    const proof = await prove();
    const [header = '', payload = '', signature = ''] = proof.split('.');
    // 86 characters of base64url hold 4 bits too many.
    const loose = signature.slice(0, -1) + String.fromCharCode(signature.charCodeAt(85) + 1);
    expect(Buffer.from(loose, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
    const others = [loose, `${signature}=`, `${signature}\n`, ` ${signature}`, `${signature}.`];
    for (const other of others) {
      await expect(verifyProof(`${header}.${payload}.${other}`, request)).rejects.toThrow(failsWith('malformed-token'));
    }
    const respelt = `${header}.${payload}!.${signature}`;
    await expect(verifyProof(respelt, request)).rejects.toThrow(failsWith('malformed-token'));
    for (const cut of [signature.slice(4), '']) {
      await expect(verifyProof(`${header}.${payload}.${cut}`, request)).rejects.toThrow(failsWith('bad-signature'));
    }
  });

  it('is refused when it is malformed', async () => {
    const header = { alg: 'EdDSA', typ: tokenTypes.proof, jwk: publicJwk } as const;
    const sign = (text: string) =>
      new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(machine.privateKey);
    const cases = ['', 'a.b.c', 'x'.repeat(5000), await sign('{'), await sign('{}'), await sign('[]')];
    for (const proof of cases) await expect(verifyProof(proof, request)).rejects.toThrow(failsWith('malformed-token'));
  });
});
