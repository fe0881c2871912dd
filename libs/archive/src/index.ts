export { type DebPackage, readDeb } from './deb.js';
export { ArchiveEntry, type EntryKind } from './entry.js';
export { ArchiveError, type ArchiveErrorCode } from './errors.js';
export { type ArchiveLimits, kernelLimits } from './limits.js';
export { readSourceRpm, type SourceRpm } from './rpm.js';
export { type DropSummary, openSourceDrop, type SourceDrop } from './source-drop.js';
export { readTar } from './tar.js';
