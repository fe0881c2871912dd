import { appendingContract } from './contract-appending.js';
import { jetStreamHarness } from './jetstream-harness.js';
import { memoryHarness } from './memory-harness.js';

describe.each([
  ['MemoryEventStore', memoryHarness],
  ['JetStreamEventStore', jetStreamHarness],
])('%s', (_name, start) => {
  describe('appending', () => appendingContract(start));
});
