export { matchAgainst, matchRunPre, type Mismatch, type RunPreMatch } from './match.js';
export { type RunningCode, runningKernel, runningModule, type RunningTarget } from './running.js';
