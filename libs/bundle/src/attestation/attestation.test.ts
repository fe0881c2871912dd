import { gunzipSync, gzipSync } from 'node:zlib';
import {
  assembleBundle,
  checkStatement,
  decodeStatement,
  encodeStatement,
  type Manifest,
  type ManifestInput,
  openBundle,
  predicateTypes,
  standardAttestations,
  type Statement,
} from '../index.js';
import { patched, plainInput } from '../manifest.fixture.js';
import { statementsOf } from './attestation.fixture.js';

const fix = { fixId: 'fix-1', subject: 'fcntl: check it', cves: [], paths: ['fs/fcntl.c'] };
const input: ManifestInput = {
  ...plainInput,
  fixes: [{ ...fix, commit: 'c'.repeat(40), brings: [{ commit: 'd'.repeat(40), subject: 'prepare', cves: [] }] }],
  functions: ['do_fcntl', 'f_getown'].map(patched),
  attestations: standardAttestations([{ commit: 'c'.repeat(40) }]),
};
const payloads = new Map([['payload/sc_fix1.ko', Buffer.from('\x7fELF the module')]]);
const envelopes = new Map((input.attestations ?? []).map(({ path }) => [path, Buffer.from(`{"of":"${path}"}`)]));
const failsWith = (code: string) => expect.objectContaining({ name: 'BundleError', code });

describe('a manifest', () => {
  it('names the split only where there is a commit of one', () => {
    expect(standardAttestations([{}]).map(({ predicateType }) => predicateType)).toEqual([
      predicateTypes.objectDiff,
      predicateTypes.provenance,
    ]);
  });

  it.each<[string, (all: NonNullable<Manifest['attestations']>) => NonNullable<Manifest['attestations']>]>([
    ['leaves one out', (all) => all.slice(1)],
    ['names one for another kind', ([first, ...rest]) => [{ ...first!, predicateType: 'other:kind/v1' }, ...rest]],
    ['names one twice', (all) => [...all, all[0]!]],
    ['names one that lies elsewhere', (all) => [...all, { path: 'attest/../x.dsse.json', predicateType: 'a:b' }]],
  ])('that %s is none', async (_what, change) => {
    const changed = { ...input, attestations: change(input.attestations ?? []) };
    await expect(assembleBundle(changed, payloads, envelopes)).rejects.toThrow(failsWith('malformed-manifest'));
  });
});

describe('a bundle', () => {
  it('brings its attestations as they went in, in the same bytes each time', async () => {
    const made = await assembleBundle(input, payloads, envelopes);
    expect((await assembleBundle(input, payloads, envelopes)).artefact.equals(made.artefact)).toBe(true);
    const { attestations } = await openBundle(made.artefact);
    expect(attestations.map(({ path, envelope }) => [path, envelope.toString()])).toEqual(
      [...envelopes].map(([path, bytes]) => [path, bytes.toString()]),
    );
    expect(attestations.map(({ predicateType }) => predicateType)).toContain(predicateTypes.recomposition);
  });

  it('has the same id with other signatures on what is attested: somebody else may add his', async () => {
    const more = new Map([...envelopes].map(([path]) => [path, Buffer.from('{}')]));
    const made = await assembleBundle(input, payloads, envelopes);
    expect((await assembleBundle(input, payloads, more)).bundleId).toBe(made.bundleId);
  });

  it('is refused when one is stripped', async () => {
    const { artefact } = await assembleBundle(input, payloads, envelopes);
    for (const path of envelopes.keys()) {
      await expect(openBundle(withoutEntry(artefact, path))).rejects.toThrow(failsWith('attestation-missing'));
    }
    await expect(assembleBundle(input, payloads, new Map())).rejects.toThrow(failsWith('attestation-missing'));
  });
});

/** Drops a file from a tar.gz: its header's block and those of its content. */
function withoutEntry(artefact: Buffer, name: string): Buffer {
  const tar = gunzipSync(artefact);
  const at = tar.indexOf(name);
  const sizeBytes = parseInt(tar.toString('latin1', at + 124, at + 136), 8);
  const end = at + 512 + Math.ceil(sizeBytes / 512) * 512;
  return gzipSync(Buffer.concat([tar.subarray(0, at), tar.subarray(end)]));
}

describe('a statement', () => {
  let manifest: Manifest;
  let all: ReturnType<typeof statementsOf>;
  beforeAll(async () => {
    ({ manifest } = await assembleBundle(input, payloads, envelopes));
    all = statementsOf(manifest);
  });
  const check =
    (statement: Statement, type: string, of = manifest) =>
    () =>
      checkStatement(decodeStatement(encodeStatement(statement)), type, of);

  it.each(Object.entries(predicateTypes))('%s agrees with its manifest', (kind, type) => {
    expect(check(all[kind as keyof typeof all], type)).not.toThrow();
  });

  it('of a kind that isn’t known is looked at for its subject alone', () => {
    const other = { ...all.provenance, predicateType: 'other:rebuilt/v1', predicate: { any: 'thing' } };
    expect(check(other, 'other:rebuilt/v1')).not.toThrow();
  });

  it('of another kind, about another module, or about several is swapped', () => {
    expect(check(all.provenance, predicateTypes.objectDiff)).toThrow(failsWith('attestation-of-another'));
    const about = (...digests: string[]): Statement => ({
      ...all.provenance,
      subject: digests.map((sha256) => ({ name: 'm', digest: { sha256 } })),
    });
    const { provenance } = predicateTypes;
    expect(check(about('e'.repeat(64)), provenance)).toThrow(failsWith('attestation-of-another'));
    const own = all.provenance.subject[0]?.digest.sha256 ?? '';
    expect(check(about(own, 'e'.repeat(64)), provenance)).toThrow(failsWith('attestation-of-another'));
  });

  // oxlint-disable-next-line typescript/no-explicit-any -- an attacker keeps to no type
  it.each<[string, keyof typeof predicateTypes, (it: any) => void]>([
    ['another kernel', 'provenance', (it) => (it.buildDefinition.externalParameters.kernel.buildId = 'cd'.repeat(20))],
    ['another fix', 'provenance', (it) => (it.buildDefinition.externalParameters.fixIds = ['fix-2'])],
    ['a level', 'provenance', (it) => (it.buildDefinition.externalParameters.level = 3)],
    ['another kernel', 'objectDiff', (it) => (it.kernel.buildId = 'cd'.repeat(20))],
    ['a function less', 'objectDiff', (it) => it.functions.pop()],
    ['one function twice', 'objectDiff', (it) => (it.functions[1] = it.functions[0])],
    ['another old function', 'objectDiff', (it) => (it.functions[1].old.sha256 = 'f'.repeat(64))],
    ['another new function', 'objectDiff', (it) => (it.functions[0].new.sha256 = 'f'.repeat(64))],
    ['a commit less', 'recomposition', (it) => it.steps[0].taken.pop()],
    ['another commit', 'recomposition', (it) => (it.steps[0].taken[0].commit = 'e'.repeat(40))],
    [
      'a step that doesn’t end where it should',
      'recomposition',
      (it) => (it.steps[0].replayed.gitTree = 'e'.repeat(40)),
    ],
  ])('with %s contradicts the manifest (%s)', (_what, kind, edit) => {
    const statement = structuredClone(all[kind]);
    edit(statement.predicate);
    expect(check(statement, predicateTypes[kind])).toThrow(failsWith('attestation-contradicts'));
  });

  it('of another shape is malformed', () => {
    expect(() => decodeStatement(Buffer.from('{}'))).toThrow(failsWith('attestation-malformed'));
    expect(() => decodeStatement(Buffer.from([0xff]))).toThrow(failsWith('attestation-malformed'));
    const empty = { ...all.objectDiff, predicate: {} };
    expect(check(empty, predicateTypes.objectDiff)).toThrow(failsWith('attestation-malformed'));
  });
});
