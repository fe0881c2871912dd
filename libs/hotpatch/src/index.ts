export { applyPatches, needsEarlierCommits } from './apply-patch.js';
export { buildFix } from './build-fix.js';
export { buildLevel, type LevelConflict, type LevelOutcome, type LevelPart, type LevelRequest } from './build-level.js';
export { buildSeriesFix, type SeriesBuildRequest } from './build-series-fix.js';
export type { BroughtCommit, FixSeries, SeriesCommit } from './dependencies/series.js';
export { SeriesHistory } from './dependencies/series-history.js';
export type {
  BuildOutcome,
  BuildRequest,
  BuildStage,
  BuiltObject,
  FileChange,
  FixSource,
  HotPatch,
  Refusal,
} from './outcome.js';
export { checkObjectTypes } from './layouts/index.js';
export { mismatchesThatMatter, viewWithMatches } from './matched.js';
