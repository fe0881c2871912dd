export {
  type ForeignCommits,
  foreignCommits,
  foreignPatches,
  foreignTips,
  type PatchShape,
} from './foreign-commits.js';
export { GitTreeStore } from './git-tree-store.js';
export * from './port.js';
export { PublicRepositories, type PublicRefs } from './public-repositories.js';
export { SeriesReader } from './series-reader.js';
export { type UploadPack, type UploadPackRequest } from './upload-pack.js';
export { writeArchive, type WrittenTree } from './write-archive.js';
