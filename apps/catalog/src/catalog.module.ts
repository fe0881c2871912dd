import { Module } from '@nestjs/common';
import { ServiceConfig } from '#libs/service';
import { BlobSeries } from './adapters/blob-series.js';
import { CatalogDatabase } from './adapters/database.js';
import { RequestedLicenseSigner } from './adapters/requested-license-signer.js';
import { TableReader } from './adapters/table-reader.js';
import { TableWriter } from './adapters/table-writer.js';
import { Catalog } from './catalog.js';
import { Commands } from './commands.js';
import { CveViews } from './cve-views.js';
import { BundlesController } from './http/bundles.controller.js';
import { CustomersController } from './http/customers.controller.js';
import { CvesController } from './http/cves.controller.js';
import { DropsController } from './http/drops.controller.js';
import { EventsController } from './http/events.controller.js';
import { FixesController } from './http/fixes.controller.js';
import { KernelsController } from './http/kernels.controller.js';
import { LicensesController } from './http/licenses.controller.js';
import { MachinesController } from './http/machines.controller.js';
import { OpenApiController } from './http/openapi.controller.js';
import { StatusController } from './http/status.controller.js';
import { MachineViews } from './machine-views.js';
import { LicenseSigner, SeriesSource } from './ports.js';

@Module({
  controllers: [
    DropsController,
    KernelsController,
    FixesController,
    BundlesController,
    CustomersController,
    LicensesController,
    MachinesController,
    CvesController,
    EventsController,
    StatusController,
    OpenApiController,
  ],
  providers: [
    {
      provide: CatalogDatabase,
      useFactory: (config: ServiceConfig) => CatalogDatabase.open(config),
      inject: [ServiceConfig],
    },
    TableReader,
    TableWriter,
    Catalog,
    Commands,
    MachineViews,
    CveViews,
    { provide: SeriesSource, useClass: BlobSeries },
    { provide: LicenseSigner, useClass: RequestedLicenseSigner },
  ],
})
export class CatalogModule {}
