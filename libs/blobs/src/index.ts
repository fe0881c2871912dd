export { FolderBlobStore } from './folder.js';
export { MemoryBlobStore } from './memory.js';
export * from './port.js';
