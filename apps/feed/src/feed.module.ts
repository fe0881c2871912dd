import { Module } from '@nestjs/common';
import { RequestedSigner } from './adapters/requested-signer.js';
import { RequestedTrust } from './adapters/requested-trust.js';
import { CutOffs } from './cut-offs.js';
import { Enrolment } from './enrolment.js';
import { EntitledBundles } from './entitled-bundles.js';
import { Feed } from './feed.js';
import { HintDesk } from './hint-desk.js';
import { BundlesController } from './http/bundles.controller.js';
import { HintsController } from './http/hints.controller.js';
import { MachinesController } from './http/machines.controller.js';
import { TufController } from './http/tuf.controller.js';
import { MachineGate } from './machine-gate.js';
import { Offers } from './offers.js';
import { PackedFiles } from './packed-files.js';
import { LeaseSigner, TrustSource } from './ports.js';
import { LiveIndex } from './projections/live-index.js';
import { Reports } from './reports.js';
import { Standings } from './standings.js';
import { Updates } from './updates.js';

@Module({
  controllers: [Feed, Standings, MachinesController, HintsController, BundlesController, TufController],
  providers: [
    LiveIndex,
    CutOffs,
    HintDesk,
    EntitledBundles,
    PackedFiles,
    MachineGate,
    Offers,
    Enrolment,
    Updates,
    Reports,
    { provide: TrustSource, useClass: RequestedTrust },
    { provide: LeaseSigner, useClass: RequestedSigner },
  ],
})
export class FeedModule {}
