export * from './apt.js';
export * from './kernels.js';
export * from './version.js';
