export * from './artefact.js';
export * from './canonical.js';
export * from './errors.js';
export * from './manifest.js';
