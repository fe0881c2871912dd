import base from './jest.config.js';

/** Tests that take long, or need what not every machine has: `npm run test:long`. */
export default { ...base, testMatch: ['**/*.long.ts'], testTimeout: 600_000 };
