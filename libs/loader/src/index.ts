export * from './errors.js';
export type { LoadedFunction, LoadedPatch } from './livepatch-tree.js';
export { Loader, type LoaderOptions, type LoadOptions, type Transition, type TransitionOptions } from './loader.js';
export type { Obstacle } from './preflight.js';
