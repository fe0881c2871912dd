export { GitTreeStore } from './git-tree-store.js';
export * from './port.js';
export { type CommitDiff, type SeriesEntry, SeriesReader } from './series-reader.js';
export { writeArchive, type WrittenTree } from './write-archive.js';
