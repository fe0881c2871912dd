export {
  type Changelog,
  type ChangelogEntry,
  ChangelogError,
  type ChangelogErrorCode,
  type ChangelogItem,
  changelogSchema,
  type StepItem,
} from './changelog/changelog.js';
export { parseChangelog } from './changelog/parse.js';
export { changelogStep } from './changelog/step.js';
export { splitTrees, type SplitCounts, type SplitInput, type SplitProgress, type SplitResult } from './split.js';
