import { Module } from '@nestjs/common';
import { SplitThread } from './adapters/split-thread.js';
import { Diff } from './diff.js';
import { FixesController } from './http/fixes.controller.js';
import { Splitter } from './ports.js';
import { Proposals } from './proposals.js';

@Module({ controllers: [Diff, FixesController], providers: [Proposals, { provide: Splitter, useClass: SplitThread }] })
export class DiffModule {}
