import { Injectable } from '@nestjs/common';
import type { FeedBundle } from './domain/offer.js';
import { MachineGate, type MachineRequest } from './machine-gate.js';
import { Updates } from './updates.js';

/** Lets a machine have a bundle's bytes, by whatever path it asks for them. */
@Injectable()
export class EntitledBundles {
  constructor(
    private readonly gate: MachineGate,
    private readonly updates: Updates,
  ) {}

  /** @throws Problem 401, 403, 404, 410. */
  async bundleFor(request: MachineRequest, bundleId: string): Promise<FeedBundle> {
    const caller = await this.gate.identify(request);
    this.updates.machine(caller);
    await this.gate.admit(caller);
    return this.updates.entitledBundle(caller, await this.gate.lease(request, caller), bundleId);
  }
}
