export * from './admin.js';
export * from './clock.js';
export * from './config.js';
export * from './hint-access.js';
export * from './platform.module.js';
export * from './problem.js';
export * from './reaction.js';
export * from './zod-body.js';
