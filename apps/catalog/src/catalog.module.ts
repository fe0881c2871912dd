import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { ServiceConfig } from '#libs/service';
import { PublicRepositories } from '#libs/trees';
import { BlobDocuments } from './adapters/blob-documents.js';
import { CatalogDatabase } from './adapters/database.js';
import { RequestedLicenseSigner } from './adapters/requested-license-signer.js';
import { RequestedStandings } from './adapters/requested-standings.js';
import { TableReader } from './adapters/table-reader.js';
import { TableWriter } from './adapters/table-writer.js';
import { Aggregates } from './aggregates.js';
import { Catalog } from './catalog.js';
import { Commands } from './commands.js';
import { GitServing } from './git-serving.js';
import { BundlesController } from './http/bundles.controller.js';
import { CallsController } from './http/calls.controller.js';
import { CustomersController } from './http/customers.controller.js';
import { CvesController } from './http/cves.controller.js';
import { DropsController } from './http/drops.controller.js';
import { EventsController } from './http/events.controller.js';
import { FunctionsController } from './http/functions.controller.js';
import { PatchesController } from './http/patches.controller.js';
import { FixesController } from './http/fixes.controller.js';
import { GitController } from './http/git.controller.js';
import { KernelsController } from './http/kernels.controller.js';
import { LevelsController } from './http/levels.controller.js';
import { LicensesController } from './http/licenses.controller.js';
import { MachinesController } from './http/machines.controller.js';
import { OpenApiController } from './http/openapi.controller.js';
import { PublicationsController } from './http/publications.controller.js';
import { RebuildController } from './http/rebuild.controller.js';
import { RedpatchController } from './http/redpatch.controller.js';
import { SeatsController } from './http/seats.controller.js';
import { StatusController } from './http/status.controller.js';
import { LevelFixes } from './level-fixes.js';
import { TokensController } from './http/tokens.controller.js';
import { LicenseExplanation } from './license-explanation.js';
import { MachineTimeline } from './machine-timeline.js';
import { MachineCommands } from './machine-commands.js';
import { Moments } from './moments.js';
import { Packing } from './packing.js';
import { Documents, LicenseSigner, StandingSource } from './ports.js';
import { Publishing } from './publishing.js';
import { Rebuilding } from './rebuilding.js';
import { TokenCommands } from './token-commands.js';

@Module({
  controllers: [
    DropsController,
    KernelsController,
    PatchesController,
    FixesController,
    FunctionsController,
    BundlesController,
    LevelsController,
    CustomersController,
    LicensesController,
    MachinesController,
    SeatsController,
    CvesController,
    TokensController,
    CallsController,
    PublicationsController,
    EventsController,
    StatusController,
    RebuildController,
    OpenApiController,
    RedpatchController,
    GitController,
  ],
  providers: [
    {
      provide: CatalogDatabase,
      useFactory: (config: ServiceConfig) => CatalogDatabase.open(config),
      inject: [ServiceConfig],
    },
    {
      provide: PublicRepositories,
      useFactory: ({ dataDir, treesDir }: ServiceConfig) => new PublicRepositories(join(dataDir, 'redpatch'), treesDir),
      inject: [ServiceConfig],
    },
    Packing,
    Publishing,
    GitServing,
    TableReader,
    TableWriter,
    Catalog,
    Rebuilding,
    Aggregates,
    LevelFixes,
    Commands,
    MachineCommands,
    TokenCommands,
    Moments,
    MachineTimeline,
    LicenseExplanation,
    { provide: Documents, useClass: BlobDocuments },
    { provide: LicenseSigner, useClass: RequestedLicenseSigner },
    { provide: StandingSource, useClass: RequestedStandings },
  ],
})
export class CatalogModule {}
