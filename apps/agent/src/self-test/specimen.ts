import { assembleBundle, type ManifestInput, payloadPathOf, standardAttestations } from '#libs/bundle';
import { digestOf, type RunningKernel, type TrustKeys } from '#libs/contracts';
import { ObjectBuilder, SectionFlag, SectionType } from '#libs/elf';
import type { Candidate } from '../admission.js';
import type { SymbolCounts } from '../domain/klp-symbols.js';
import { attested, predicatesOf } from './attested.js';
import { signManifest, SpecimenSigner } from './signer.js';

/** A bundle as good as any, for a kernel that nobody runs and by keys that nobody pins; and the machine that would let it in. */
export interface Specimen extends Pick<Candidate, 'offer'> {
  readonly bytes: Buffer;
  readonly trust: TrustKeys;
  readonly kernel: RunningKernel;
  readonly symbols: SymbolCounts;
}

const functions = ['specimen_open', 'specimen_read'];
const kernel = { distro: 'debian', arch: 'x86_64', release: '0.0.0-specimen', buildId: '5c'.repeat(20) } as const;
const vermagic = `${kernel.release} SMP mod_unload modversions `;

const input: ManifestInput = {
  schema: 1,
  kernel: { ...kernel, version: '0.0.0-1', vermagic },
  fixes: [{ fixId: 'specimen', subject: 'specimen: fix it', cves: [], paths: ['fs/specimen.c'] }],
  functions: functions.map((symbol) => ({
    object: 'vmlinux',
    symbol,
    sympos: 0,
    objectFile: 'fs/specimen.o',
    oldSha256: digestOf(`old ${symbol}`),
    newSha256: digestOf(`new ${symbol}`),
    sizeBytes: 16,
  })),
  loader: { format: 'klp-module', minVersion: 1 },
  module: 'specimen',
  replace: false,
  reversible: true,
};

/** Makes it, and keys for it that are gone with it. */
export async function makeSpecimen(): Promise<Specimen> {
  const signers = [new SpecimenSigner('specimen-1'), new SpecimenSigner('specimen-2')];
  const manifest = { ...input, attestations: standardAttestations(input.fixes) };
  const module = specimenModule();
  const envelopes = attested(manifest, module, predicatesOf(manifest), signers);
  const made = await assembleBundle(manifest, new Map([[payloadPathOf(manifest.module), module]]), envelopes);
  const { bundleId, artefact, manifestBytes } = made;
  const path = `/v1/bundles/${bundleId}/artefact`;
  return {
    offer: {
      bundleId,
      artefact: { path, sha256: digestOf(artefact), length: artefact.length },
      signature: await signManifest(manifestBytes, signers),
      fixIds: manifest.fixes.map(({ fixId }) => fixId),
    },
    bytes: artefact,
    trust: {
      schema: 1,
      bundleThreshold: signers.length,
      bundle: signers.map(({ key }) => key),
      license: [],
      lease: [],
      attestations: 'required',
    },
    kernel,
    symbols: new Map([['vmlinux', new Map(functions.map((symbol) => [symbol, 1]))]]),
  };
}

/** A module of which only the outside is real: what is read of it before a kernel gets it. */
function specimenModule(): Buffer {
  const builder = new ObjectBuilder();
  const info = { license: 'GPL', livepatch: 'Y', name: input.module, vermagic };
  const data = Buffer.from(
    Object.entries(info)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
  );
  const { PROGBITS: type } = SectionType;
  builder.addSection({ name: '.modinfo', type, flags: SectionFlag.ALLOC, data, align: 1 });
  for (const symbol of functions) builder.addUndefined(`.klp.sym.vmlinux.${symbol},0`);
  return Buffer.from(builder.build());
}
