import base from './jest.config.js';

/** What takes longer than a test suite may, or needs what not every machine has: for `npm run test:long`. */
export default { ...base, testMatch: ['**/*.long.ts'], testTimeout: 600_000 };
