export * from './copy-programs.js';
export * from './errors.js';
