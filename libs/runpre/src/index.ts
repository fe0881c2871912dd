export { matchAgainst, matchRunPre, type RunPreMatch } from './match.js';
export type { Mismatch } from './mismatch.js';
export { type RunningCode, runningKernel, runningModule, type RunningTarget } from './running.js';
