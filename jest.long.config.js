import base from './jest.config.js';

/** What takes longer than a test suite may: matrices of real cases, for `npm run test:long`. */
export default { ...base, testMatch: ['**/*.long.ts'] };
