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
export { oneLine } from './message.js';
export { labelOf, planSplit, type PlannedChange, type PlannedCommit } from './plan.js';
export { deltaOf, type FileDelta, type FileSide, type Hunk } from './hunks/delta.js';
export { attribute } from './evidence/attribute.js';
export { changedZone } from './evidence/company.js';
export { allHunkWords, type HunkWords } from './evidence/hunk-words.js';
export { wordsOf } from './evidence/subject.js';
export type { Weights } from './evidence/belief.js';
export { believeAll, Evidence, type Look } from './evidence/look.js';
export { stages as fittedLooks } from './evidence/weights.js';
export { IndexBuilder } from './commit-index/build-index.js';
export { type CommitIndex, decodeIndex, encodeIndex } from './commit-index/commit-index.js';
export { StepKeys } from './commit-index/promising.js';
export { stepKeys } from './commit-index/read-step.js';
export { subjectKeys } from './select/subject-key.js';
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
export { remainderGroups, sureness, unfoundByReason } from './report/figures.js';
export { reportPage } from './report/page.js';
export { reportOf } from './report/report.js';
export { type ReportedSource, type SplitReport, splitReportSchema } from './report/schema.js';
export { reportJson } from './report/write.js';
