/**
 * Long computations in threads of their own, so that the process goes on answering meanwhile.
 * @module
 */
export { JobThread, type ThreadLimits } from './job-thread.js';
export { ThreadProgram } from './program.js';
export { serveJobs } from './serve-jobs.js';
export { ThreadError, type ThreadErrorCode } from './errors.js';
