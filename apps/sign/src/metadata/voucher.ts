import { Injectable } from '@nestjs/common';
import { BlobError, BlobStore } from '#libs/blobs';
import { BundleError, defaultArchiveLimits, openBundle } from '#libs/bundle';
import { bundleTargetName, channelOf } from '#libs/contracts';
import { TrustError, verifyAttestations, verifyBundleSignature } from '#libs/trust';
import type { NewTarget } from '#libs/tuf';
import type { WantedBundle } from '../domain/wanted.js';
import { Keyring } from '../ports.js';

const maxSignatureBytes = 65_536;

/** Why a bundle is not vouched for. */
export interface NotVouchedFor {
  readonly refused: string;
}

/**
 * Looks at a bundle before the metadata vouches for it. An event that says "signed" is anybody's who can write to the log; the
 * manifest's signature is by keys that only this stage has.
 */
@Injectable()
export class Voucher {
  constructor(
    private readonly blobs: BlobStore,
    private readonly keyring: Keyring,
  ) {}

  /** @throws BlobError for what can't be read now and may be later. */
  async examine(bundle: WantedBundle): Promise<NewTarget | NotVouchedFor> {
    const { bundleId, channel, release, artefact } = bundle;
    try {
      const bytes = await this.blobs.read(artefact, defaultArchiveLimits.packedBytes);
      const opened = await openBundle(bytes);
      const jws = (await this.blobs.read(bundle.signature, maxSignatureBytes)).toString('utf8');
      const keys = this.keyring.trustKeys();
      await verifyBundleSignature(jws, opened.manifestBytes, keys);
      verifyAttestations(opened, keys);
      const { kernel } = opened.manifest;
      if (opened.bundleId !== bundleId) return { refused: `its artefact is bundle ${opened.bundleId}` };
      if (channelOf(kernel) !== channel || kernel.release !== release) {
        return {
          refused: `its manifest is for ${channelOf(kernel)}/${kernel.release}, and the log says ${channel}/${release}`,
        };
      }
      return { name: bundleTargetName(bundleId), length: bytes.length, sha256: artefact };
    } catch (error) {
      if (error instanceof TrustError || error instanceof BundleError)
        return { refused: `${error.code}: ${error.message}` };
      if (error instanceof BlobError && error.code !== 'no-space')
        return { refused: `${error.code}: ${error.message}` };
      throw error;
    }
  }
}
