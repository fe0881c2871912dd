import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { matchesPath } from '../src/client/scope.js';
import { TufError, type TufErrorCode } from '../src/errors.js';
import { isSignedBy, parseKey } from '../src/keys/key.js';
import { canonicalBytes } from '../src/metadata/canonical.js';
import { parseEnvelope } from '../src/metadata/envelope.js';
import type { Json } from '../src/metadata/json.js';
import { World } from './world.fixture.js';

function refusal(act: () => unknown): TufErrorCode | 'none' {
  try {
    act();
    return 'none';
  } catch (cause) {
    if (cause instanceof TufError) return cause.code;
    throw cause;
  }
}

describe('canonical JSON', () => {
  it('sorts by code point, escapes two characters and nothing else', () => {
    const value: Json = { '\u{10000}': 1, '\uffff': 2, b: [true, null], a: 'a "quote" \\ and\na line' };
    expect(canonicalBytes(value).toString()).toBe(
      '{"a":"a \\"quote\\" \\\\ and\na line","b":[true,null],"\uffff":2,"\u{10000}":1}',
    );
  });

  it('has no form for what two programs would write differently', () => {
    expect(refusal(() => canonicalBytes({ a: 1.5 }))).toBe('malformed-metadata');
    expect(refusal(() => canonicalBytes({ a: '\ud800' }))).toBe('malformed-metadata');
  });
});

describe('parsing', () => {
  const expires = '2030-01-01T00:00:00Z';
  const file = (signed: object, signatures: object[] = []): Buffer =>
    Buffer.from(JSON.stringify({ signed: { spec_version: '1.0.34', version: 1, expires, ...signed }, signatures }));
  const targets = (more: object): Buffer => file({ _type: 'targets', targets: {}, ...more });
  const delegated = (name: string, more: object = { paths: ['*'] }): Buffer =>
    targets({ delegations: { keys: {}, roles: [{ name, keyids: [], threshold: 1, terminating: true, ...more }] } });

  it.each<[string, Buffer, TufErrorCode | 'none']>([
    ['an empty role', targets({}), 'none'],
    ['another type', file({ _type: 'snapshot', meta: {} }), 'wrong-role'],
    ['no JSON', Buffer.from('{'), 'malformed-metadata'],
    ['deep nesting', Buffer.from('{"a":'.repeat(100_000)), 'malformed-metadata'],
    ['another specification', targets({ spec_version: '2.0.0' }), 'unsupported-spec'],
    ['version 0', targets({ version: 0 }), 'malformed-metadata'],
    ['a date that is none', targets({ expires: '2030-13-01T00:00:00Z' }), 'malformed-metadata'],
    ['a delegate called root', delegated('root'), 'malformed-metadata'],
    ['a delegate called snapshot', delegated('snapshot'), 'malformed-metadata'],
    ['a delegate', delegated('debian'), 'none'],
    [
      'a delegate with both kinds of paths',
      delegated('d', { paths: [], path_hash_prefixes: [] }),
      'malformed-metadata',
    ],
    ['a delegate with no paths', delegated('d', {}), 'malformed-metadata'],
    ['a key that is listed twice', delegated('d', { paths: [], keyids: ['a', 'a'] }), 'malformed-metadata'],
    ['a key that signs twice', file({ _type: 'targets', targets: {} }, [sig('a'), sig('a')]), 'malformed-metadata'],
    [
      'a member called __proto__',
      Buffer.from(targets({}).toString().replace('"targets":{}', '"targets":{"__proto__":1}')),
      'malformed-metadata',
    ],
  ])('%s', (_what, bytes, code) => {
    expect(refusal(() => parseEnvelope('targets', bytes))).toBe(code);
  });

  it('ends with a code or a role, whatever is changed in a file', async () => {
    const world = await World.begin();
    await world.close();
    const whole = [...world.files.files.values()]
      .map((bytes) => Buffer.from(bytes))
      .filter((bytes) => bytes[0] === 0x7b);
    const change = fc.record({ file: fc.nat(), at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(
        change,
        fc.constantFrom('root', 'timestamp', 'snapshot', 'targets'),
        ({ file: pick, at, byte }, type) => {
          const bytes = Buffer.from(whole[pick % whole.length]!);
          bytes[at % bytes.length] = byte;
          refusal(() => parseEnvelope(type as 'root', bytes));
        },
      ),
      { numRuns: 500 },
    );
    expect(whole.length).toBeGreaterThan(5);
  });
});

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function sig(keyid: string): object {
  return { keyid, sig: '' };
}

describe('keys', () => {
  const payload = Buffer.from('what is signed');

  it('are used as their scheme says, and as nothing else', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signature = sign('sha256', payload, ec.privateKey).toString('hex');
    const key = (keytype: string, scheme: string): Json => ({ keytype, scheme, keyval: { public: pem(ec.publicKey) } });
    expect(isSignedBy(parseKey(key('ecdsa', 'ecdsa-sha2-nistp256')), payload, signature)).toBe(true);
    expect(isSignedBy(parseKey(key('ecdsa', 'ecdsa-sha2-nistp256')), Buffer.from('else'), signature)).toBe(false);
    expect(isSignedBy(parseKey(key('rsa', 'rsassa-pss-sha256')), payload, signature)).toBe(false);
    expect(isSignedBy(parseKey(key('ecdsa', 'none')), payload, signature)).toBe(false);
    expect(isSignedBy(parseKey(key('ecdsa', 'ecdsa-sha2-nistp256')), payload, 'no hex')).toBe(false);
  });

  it('of other curves and small sizes verify nothing', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const keys: Json[] = [
      { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem(ec.publicKey) } },
      { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: pem(rsa.publicKey) } },
    ];
    expect(keys.map((key) => parseKey(key).scheme)).toEqual(['unknown', 'unknown']);
  });
});

describe('path patterns', () => {
  it.each<[string, string, boolean]>([
    ['debian-amd64/*/*', 'debian-amd64/6.1/x', true],
    ['debian-amd64/*', 'debian-amd64/6.1/x', false],
    ['*', 'a/b', false],
    ['foo-?.tgz', 'foo-1.tgz', true],
    ['foo-?.tgz', 'foo-.tgz', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-b-b', false],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
  ])('%s on %s: %s', (pattern, path, expected) => {
    expect(matchesPath(pattern, path)).toBe(expected);
  });

  it('take no more time than their length is worth', () => {
    expect(matchesPath(`${'*a'.repeat(400)}b`, 'a'.repeat(1000))).toBe(false);
  });
});
