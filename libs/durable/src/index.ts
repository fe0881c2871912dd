export { syncPath } from './sync-path.js';
export { createDurably, writeDurably } from './write.js';
