import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { passphraseFrom } from '#libs/keyfile';
import { ServiceConfig } from '#libs/service';
import { CeremonyFolder } from './adapters/ceremony-folder.js';
import { JoseKeyring } from './adapters/jose-keyring.js';
import { type KeySettings, keySettings } from './adapters/key-settings.js';
import { openMetadataKeys } from './adapters/metadata-keys.js';
import { openServiceKeys } from './adapters/service-keys.js';
import { SigningPolicy } from './adapters/signing-policy.js';
import { AttestationsController } from './http/attestations.controller.js';
import { MetadataController } from './http/metadata.controller.js';
import { TrustKeysController } from './http/trust-keys.controller.js';
import { Metadata } from './metadata/metadata.js';
import { OfflineRoles } from './metadata/offline-roles.js';
import { Publications } from './metadata/publications.js';
import { Publisher } from './metadata/publisher.js';
import { MetadataStatus } from './metadata/status.js';
import { Upkeep } from './metadata/upkeep.js';
import { Voucher } from './metadata/voucher.js';
import { Keyring, MetadataSigners } from './ports.js';
import { LiveTrust } from './projections/live-trust.js';
import { PublicTrust } from './public-trust.js';
import { Sign } from './sign.js';
import { Tokens } from './tokens.js';

/** What opens the key files of this process. */
class KeyAccess {
  constructor(
    readonly settings: KeySettings,
    readonly passphrase: Buffer | undefined,
  ) {}
}

@Module({
  controllers: [Sign, Metadata, Tokens, TrustKeysController, MetadataController, AttestationsController],
  providers: [
    LiveTrust,
    Publications,
    Voucher,
    OfflineRoles,
    Publisher,
    Upkeep,
    MetadataStatus,
    PublicTrust,
    { provide: SigningPolicy, useFactory: () => SigningPolicy.from(process.env) },
    {
      provide: KeyAccess,
      useFactory: async (): Promise<KeyAccess> => {
        const settings = keySettings(process.env);
        const { passphraseFile: file, passphrase: value } = settings;
        return new KeyAccess(settings, await passphraseFrom({ file, value }));
      },
    },
    {
      provide: Keyring,
      inject: [ServiceConfig, SigningPolicy, KeyAccess],
      useFactory: async (config: ServiceConfig, policy: SigningPolicy, access: KeyAccess): Promise<Keyring> => {
        const keys = await openServiceKeys(join(config.dataDir, 'keys'), policy, access.passphrase);
        return new JoseKeyring(keys, policy.bundleThreshold);
      },
    },
    {
      provide: MetadataSigners,
      inject: [ServiceConfig, KeyAccess],
      useFactory: (config: ServiceConfig, access: KeyAccess): Promise<MetadataSigners> =>
        openMetadataKeys(join(config.dataDir, 'metadata-keys'), access.passphrase),
    },
    {
      provide: CeremonyFolder,
      inject: [ServiceConfig, KeyAccess],
      useFactory: (config: ServiceConfig, { settings, passphrase }: KeyAccess): CeremonyFolder =>
        new CeremonyFolder(join(config.dataDir, 'ceremony'), settings.ceremony === 'here', passphrase),
    },
  ],
})
export class SignModule {}
