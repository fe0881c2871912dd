import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { ServiceConfig } from '#libs/service';
import { ProfileFolder } from './adapters/profile-folder.js';
import { Build } from './build.js';
import { KernelPackagesController } from './http/kernel-packages.controller.js';
import { Import } from './import.js';
import { Levels } from './levels.js';
import { Profiles } from './ports.js';

@Module({
  controllers: [Build, Import, Levels, KernelPackagesController],
  providers: [
    {
      provide: Profiles,
      inject: [ServiceConfig, BlobStore],
      useFactory: (config: ServiceConfig, blobs: BlobStore) =>
        new ProfileFolder(join(config.dataDir, 'kernels'), blobs),
    },
  ],
})
export class BuildModule {}
