import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { ServiceConfig } from '#libs/service';
import { JoseKeyring } from './adapters/jose-keyring.js';
import { openKeyFolder } from './adapters/key-folder.js';
import { SigningPolicy } from './adapters/signing-policy.js';
import { writeTrustFile } from './adapters/trust-file.js';
import { Keyring } from './ports.js';
import { Sign } from './sign.js';
import { Tokens } from './tokens.js';
import { TrustKeysController } from './trust-keys.controller.js';

@Module({
  controllers: [Sign, Tokens, TrustKeysController],
  providers: [
    { provide: SigningPolicy, useFactory: () => SigningPolicy.from(process.env) },
    {
      provide: Keyring,
      inject: [ServiceConfig, SigningPolicy],
      useFactory: async (config: ServiceConfig, policy: SigningPolicy): Promise<Keyring> => {
        const keys = await openKeyFolder(join(config.dataDir, 'keys'), policy);
        const keyring = new JoseKeyring(keys, policy.bundleThreshold);
        await writeTrustFile(join(config.dataDir, 'trust.json'), keyring.trustKeys());
        return keyring;
      },
    },
  ],
})
export class SignModule {}
