export { foreignLog } from './foreign-log.js';
export { GitTreeStore } from './git-tree-store.js';
export * from './port.js';
export { SeriesReader } from './series-reader.js';
export { writeArchive, type WrittenTree } from './write-archive.js';
