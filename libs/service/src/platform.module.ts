import { type DynamicModule, Global, Module } from '@nestjs/common';
import { BlobStore } from '#libs/blobs';
import { EventStore } from '#libs/eventstore';
import { HintPublisher } from '#libs/hints';
import { Requests } from '#libs/transport';
import { TreeStore } from '#libs/trees';
import { AdminGuard } from './access/admin.guard.js';
import { AuditTrail } from './access/audit-trail.js';
import { LiveTokens } from './access/live-tokens.js';
import { Wishes } from './access/wishes.js';
import { AdminToken } from './admin-token.js';
import { Clock } from './clock.js';
import { ServiceConfig } from './config.js';
import { Readiness } from './health.js';
import { HintAccess } from './hint-access.js';
import { Metrics } from './metrics.js';
import { Pepper } from './pepper.js';
import type { Platform } from './platform.js';
import { RunningApp } from './running-app.js';

/** Gives every stage's module the platform's ports, by their abstract classes. */
@Global()
@Module({})
export class PlatformModule {
  static with(platform: Platform): DynamicModule {
    const providers = [
      { provide: ServiceConfig, useValue: platform.config },
      { provide: EventStore, useValue: platform.events },
      { provide: BlobStore, useValue: platform.blobs },
      { provide: TreeStore, useValue: platform.trees },
      { provide: Requests, useValue: platform.requests },
      { provide: HintPublisher, useValue: platform.hints },
      { provide: HintAccess, useValue: platform.hintAccess },
      { provide: Clock, useValue: platform.clock },
      { provide: AdminToken, useValue: platform.adminToken },
      { provide: Pepper, useFactory: () => Pepper.open(platform.config.dataDir, platform.config.pepper) },
      LiveTokens,
      Wishes,
      AuditTrail,
      Metrics,
      Readiness,
      AdminGuard,
      RunningApp,
    ];
    return { module: PlatformModule, providers, exports: providers };
  }
}
