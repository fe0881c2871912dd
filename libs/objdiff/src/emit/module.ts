import type { EmitOutcome, EmitRequest } from './request.js';

/** Makes one loadable livepatch module of the selections, or says every reason why it can't. */
export function emitModule(request: EmitRequest): EmitOutcome {
  throw new Error(`being written: ${request.name}`);
}
