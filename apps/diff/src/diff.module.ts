import { Module } from '@nestjs/common';
import { Diff } from './diff.js';
import { FixesController } from './http/fixes.controller.js';
import { Proposals } from './proposals.js';

@Module({ controllers: [Diff, FixesController], providers: [Proposals] })
export class DiffModule {}
