import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { ServiceConfig } from '#libs/service';
import { BuildThread } from './adapters/build-thread.js';
import { Build } from './build.js';
import { KernelPackagesController } from './http/kernel-packages.controller.js';
import { Import } from './import.js';
import { Levels } from './levels.js';
import { Builder } from './ports.js';

@Module({
  controllers: [Build, Import, Levels, KernelPackagesController],
  providers: [
    {
      provide: Builder,
      inject: [ServiceConfig],
      useFactory: ({ dataDir, blobsDir, treesDir }: ServiceConfig) =>
        new BuildThread({ blobsDir, treesDir, profilesDir: join(dataDir, 'kernels') }),
    },
  ],
})
export class BuildModule {}
