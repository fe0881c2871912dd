import { availableParallelism } from 'node:os';

/** Unit and contract tests run straight from TypeScript (swc); types are checked by `npm run check:types`. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/bench', '<rootDir>/libs', '<rootDir>/test', '<rootDir>/tools'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#libs/([^/]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'es6' },
      },
    ],
  },
  // Generous: on a machine with other work, what takes two seconds takes thirty.
  testTimeout: 90_000,
  // One more than there are cores: the long suites wait for a guest or a process half of their time.
  maxWorkers: availableParallelism() + 1,
  testSequencer: '<rootDir>/test/longest-first.js',
};
