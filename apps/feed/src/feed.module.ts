import { Module } from '@nestjs/common';
import { RequestedSigner } from './adapters/requested-signer.js';
import { RequestedTrust } from './adapters/requested-trust.js';
import { Enrolment } from './enrolment.js';
import { Feed } from './feed.js';
import { BundlesController } from './http/bundles.controller.js';
import { MachinesController } from './http/machines.controller.js';
import { MachineGate } from './machine-gate.js';
import { LeaseSigner, TrustSource } from './ports.js';
import { LiveIndex } from './projections/live-index.js';
import { Reports } from './reports.js';
import { Updates } from './updates.js';

@Module({
  controllers: [Feed, MachinesController, BundlesController],
  providers: [
    LiveIndex,
    MachineGate,
    Enrolment,
    Updates,
    Reports,
    { provide: TrustSource, useClass: RequestedTrust },
    { provide: LeaseSigner, useClass: RequestedSigner },
  ],
})
export class FeedModule {}
