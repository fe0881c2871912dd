export { type Candidate, CandidateError, type CandidateErrorCode } from './candidates/candidate.js';
export { beginsMessage, parseMail } from './candidates/parse-mail.js';
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
export { labelOf, planSplit, type PlannedChange, type PlannedCommit } from './plan.js';
export { deltaOf, type FileDelta, type FileSide, type Hunk } from './hunks/delta.js';
export { relevance } from './select/relevance.js';
export { linesOf } from './hunks/lines.js';
export type { SplitCounts } from './series.js';
export {
  SplitError,
  type SplitErrorCode,
  splitTrees,
  type SplitInput,
  type SplitProgress,
  type SplitResult,
} from './split.js';
