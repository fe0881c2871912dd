import { type Fact, fact } from '#libs/contracts';
import type { CommitContext, StreamName } from '../src/port.js';

/** A stream of its own for each test. */
export function bundleStream(id: string): StreamName {
  return `bundle.${id}`;
}

export function recalled(bundleId: string, reason: string): Fact {
  return fact('BundleRecalled', { bundleId, reason });
}

export function promoted(bundleId: string): Fact {
  return fact('BundlePromoted', { bundleId, tier: 'canary' });
}

export function by(commandId: string): CommitContext {
  return { actor: 'test', commandId, correlationId: 'correlation' };
}
