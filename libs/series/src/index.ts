export { type FileDiff, type Hunk, parseDiff } from './diff.js';
export { type Edit, FileHistory, type Footing, HistoryError, type NetHunk } from './file-history.js';
export { type CommitDiff, type FileRecord, historiesOf } from './histories.js';
export { type Need, Needs } from './needs.js';
export { unquoted } from './quoted.js';
