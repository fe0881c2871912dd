import { appendingContract } from './contract-appending.js';
import { subscribingContract } from './contract-subscribing.js';
import { workingContract } from './contract-working.js';
import { jetStreamHarness } from './jetstream-harness.js';
import { memoryHarness } from './memory-harness.js';

describe.each([
  ['MemoryEventStore', memoryHarness],
  ['JetStreamEventStore', jetStreamHarness],
])('%s', (_name, start) => {
  describe('appending', () => {
    appendingContract(start);
  });
  describe('subscribing', () => {
    subscribingContract(start);
  });
  describe('working', () => {
    workingContract(start);
  });
});
