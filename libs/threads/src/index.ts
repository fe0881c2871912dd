/**
 * Long computations in threads of their own, so that the process goes on answering meanwhile.
 * @module
 */
export { inThread, type ThreadLimits } from './in-thread.js';
export { ThreadProgram } from './program.js';
export { serveJob } from './serve-job.js';
export { ThreadError, type ThreadErrorCode } from './errors.js';
