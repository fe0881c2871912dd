import { Buffer } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { digestOf } from '#libs/contracts';
import fc from 'fast-check';
import {
  assembleBundle,
  BundleError,
  bundleIdOf,
  decodeManifest,
  defaultArchiveLimits,
  encodeManifest,
  type Manifest,
  openBundle,
} from './index.js';
import { plainInput } from './manifest.fixture.js';

const input = plainInput;
const path = 'payload/sc_fix1.ko';
const module = Buffer.from('\x7fELF the module'.repeat(100));
const payloads = new Map([[path, module]]);

/** Packs any tar entries, however wrong. */
async function tarGz(entries: { name: string; bytes?: Uint8Array; type?: 'file' | 'symlink' }[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, bytes, type = 'file' } of entries) {
    if (type === 'file') tar.entry({ name, type }, Buffer.from(bytes ?? []));
    else tar.entry({ name, type, linkname: '/etc/shadow' });
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

const failsWith = (code: string) => expect.objectContaining({ name: 'BundleError', code });

describe('the canonical manifest', () => {
  it('has the same bytes whatever the order of its keys', async () => {
    const { manifest, manifestBytes } = await assembleBundle(input, payloads);
    const shuffled = Object.fromEntries(Object.entries(manifest).reverse()) as Manifest;
    expect(encodeManifest(shuffled).equals(manifestBytes)).toBe(true);
    expect(decodeManifest(manifestBytes)).toEqual(manifest);
  });

  it('is refused in any other form', async () => {
    const { manifest, manifestBytes } = await assembleBundle(input, payloads);
    const spaced = Buffer.from(JSON.stringify(manifest, null, 1));
    expect(() => decodeManifest(spaced)).toThrow(failsWith('manifest-not-canonical'));
    const extra = Buffer.from(manifestBytes.toString().replace(/^\{/, '{"aaa":1,'));
    expect(() => decodeManifest(extra)).toThrow(failsWith('manifest-not-canonical'));
    expect(() => decodeManifest(Buffer.from('{'))).toThrow(failsWith('malformed-manifest'));
    expect(() => decodeManifest(Buffer.from('{"schema":2}'))).toThrow(failsWith('malformed-manifest'));
    expect(() => decodeManifest(Buffer.from([0x22, 0xff, 0x22]))).toThrow(failsWith('malformed-manifest'));
  });

  it('must name the payload of its module, once', async () => {
    await expect(assembleBundle({ ...input, module: 'other' }, payloads)).rejects.toThrow(
      failsWith('malformed-manifest'),
    );
    const { manifest } = await assembleBundle(input, payloads);
    const twice = { ...manifest, payload: [...manifest.payload, ...manifest.payload] };
    expect(() => encodeManifest(twice)).toThrow(failsWith('malformed-manifest'));
    await expect(assembleBundle(input, new Map([['payload/../x.ko', module]]))).rejects.toThrow(
      failsWith('malformed-manifest'),
    );
  });
});

describe('a bundle', () => {
  it('comes out as it went in, and always in the same bytes', async () => {
    const first = await assembleBundle(input, payloads);
    const second = await assembleBundle(structuredClone(input), new Map(payloads));
    expect(second.artefact.equals(first.artefact)).toBe(true);
    expect(first.bundleId).toBe(digestOf(first.manifestBytes).slice(0, 20));
    const opened = await openBundle(first.artefact);
    expect(opened.bundleId).toBe(first.bundleId);
    expect(opened.manifest).toEqual(first.manifest);
    expect(opened.payload(path).equals(module)).toBe(true);
    expect(() => opened.payload('manifest.json')).toThrow(failsWith('missing-entry'));
  });

  it('carries neither times nor owners', async () => {
    const { artefact } = await assembleBundle(input, payloads);
    expect(artefact.subarray(4, 8)).toEqual(Buffer.alloc(4));
    expect(artefact[9]).toBe(255);
    const header = gunzipSync(artefact).subarray(0, 512);
    expect(header.toString('latin1', 0, 13)).toBe('manifest.json');
    expect(header.toString('latin1', 108, 115)).toBe('0'.repeat(6) + ' ');
    expect(header.toString('latin1', 136, 147)).toBe('0'.repeat(11));
  });

  it('has another id when anything in it changes', async () => {
    const first = await assembleBundle(input, payloads);
    const second = await assembleBundle(input, new Map([[path, Buffer.from('other')]]));
    expect(second.bundleId).not.toBe(first.bundleId);
    expect(bundleIdOf(second.manifestBytes)).toBe(second.bundleId);
  });
});

const manifestEntry = async () => ({
  name: 'manifest.json',
  bytes: (await assembleBundle(input, payloads)).manifestBytes,
});

describe('a bundle is refused', () => {
  const good = { name: path, bytes: module };

  it('when a payload was altered', async () => {
    const flipped = Buffer.from(module);
    flipped[3] = 0;
    const cases = [flipped, module.subarray(1), Buffer.concat([module, module]), Buffer.alloc(0)];
    for (const bytes of cases) {
      const artefact = await tarGz([await manifestEntry(), { name: path, bytes }]);
      await expect(openBundle(artefact)).rejects.toThrow(failsWith('payload-mismatch'));
    }
  });

  it('when an entry is missing, added, doubled or no file', async () => {
    const manifest = await manifestEntry();
    const cases: [string, Parameters<typeof tarGz>[0]][] = [
      ['missing-entry', [manifest]],
      ['missing-entry', [good]],
      ['unexpected-entry', [manifest, good, { name: 'payload/evil.ko', bytes: module }]],
      ['unexpected-entry', [manifest, good, { name: '../../etc/passwd', bytes: module }]],
      ['unexpected-entry', [manifest, good, { name: 'attest/provenance.dsse.json', bytes: module }]],
      ['unexpected-entry', [manifest, { name: path, type: 'symlink' }]],
      ['duplicate-entry', [manifest, good, good]],
      ['duplicate-entry', [manifest, good, manifest]],
      [
        'too-many-entries',
        Array.from({ length: defaultArchiveLimits.entries + 1 }, (_, n) => ({
          name: `payload/m${n}.ko`,
          bytes: module,
        })),
      ],
    ];
    for (const [code, entries] of cases) {
      await expect(openBundle(await tarGz(entries))).rejects.toThrow(failsWith(code));
    }
  });

  it('when it is a bomb, before it is inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024));
    const limits = { ...defaultArchiveLimits, unpackedBytes: 1024 * 1024 };
    await expect(openBundle(bomb, limits)).rejects.toThrow(failsWith('bundle-too-large'));
    const { artefact } = await assembleBundle(input, payloads);
    const small = { ...defaultArchiveLimits, packedBytes: artefact.length - 1 };
    await expect(openBundle(artefact, small)).rejects.toThrow(failsWith('bundle-too-large'));
  });

  it('when it was cut short or is no archive', async () => {
    const { artefact } = await assembleBundle(input, payloads);
    await expect(openBundle(artefact.subarray(0, artefact.length - 9))).rejects.toThrow(failsWith('malformed-archive'));
    const tar = gunzipSync(artefact);
    await expect(openBundle(gzipSync(tar.subarray(0, tar.length - 1600)))).rejects.toThrow(BundleError);
    await expect(openBundle(gzipSync(Buffer.alloc(1024, 'x')))).rejects.toThrow(failsWith('malformed-archive'));
    await expect(openBundle(Buffer.alloc(0))).rejects.toThrow(failsWith('malformed-archive'));
  });

  it('with a typed error, or opens unchanged, whatever byte of it was altered', async () => {
    const { artefact, manifestBytes } = await assembleBundle(input, payloads);
    const tar = gunzipSync(artefact);
    const mutation = fc.tuple(fc.nat(tar.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const altered = Buffer.from(tar);
        for (const [at, change] of mutations) altered[at] = (altered[at] ?? 0) ^ change;
        try {
          const opened = await openBundle(gzipSync(altered, { level: 1 }));
          // What a tar header says of owner and mode is not signed, and nobody reads it; an altered manifest is another bundle.
          if (!opened.manifestBytes.equals(manifestBytes)) expect(opened.bundleId).not.toBe(bundleIdOf(manifestBytes));
          expect(opened.payload(opened.manifest.payload[0]?.path ?? '').equals(module)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BundleError);
        }
      }),
      { numRuns: 200 },
    );
  });
});
