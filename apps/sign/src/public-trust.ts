import { join } from 'node:path';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { TrustKeys } from '#libs/contracts';
import { ServiceConfig } from '#libs/service';
import { SigningPolicy } from './adapters/signing-policy.js';
import { writePublicFile, writeTrustFile } from './adapters/trust-file.js';
import { Keyring } from './ports.js';
import { LiveTrust } from './projections/live-trust.js';

/** What machines pin: the public keys, and the first root of the signed metadata once there is one. */
@Injectable()
export class PublicTrust implements OnModuleInit {
  constructor(
    private readonly keyring: Keyring,
    private readonly live: LiveTrust,
    private readonly config: ServiceConfig,
    private readonly policy: SigningPolicy,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.live.caughtUp();
    await this.write();
  }

  keys(): TrustKeys {
    const root = this.live.metadata.file('1.root.json');
    const isRequired = this.policy.attestations === 'required';
    const keys = { ...this.keyring.trustKeys(), ...(isRequired ? { attestations: 'required' as const } : {}) };
    return root === undefined ? keys : { ...keys, root: { version: 1, sha256: root.digest, length: root.sizeBytes } };
  }

  /** Writes `trust.json`, and `root.json` beside it, for the operator to hand to machines. */
  async write(firstRoot?: Uint8Array): Promise<void> {
    if (firstRoot !== undefined) await writePublicFile(join(this.config.dataDir, 'root.json'), firstRoot);
    await writeTrustFile(join(this.config.dataDir, 'trust.json'), this.keys());
  }
}
