import { Module } from '@nestjs/common';
import { BlobsController } from './http/blobs.controller.js';
import { DropsController } from './http/drops.controller.js';
import { Ingest } from './ingest.js';

@Module({ controllers: [Ingest, BlobsController, DropsController] })
export class IngestModule {}
