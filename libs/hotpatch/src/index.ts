export { applyPatches, needsEarlierCommits } from './apply-patch.js';
export { buildFix } from './build-fix.js';
export type { BuildOutcome, BuildStage, BuiltObject, FileChange, FixSource, HotPatch, Refusal } from './outcome.js';
export { checkObjectTypes } from './layouts/index.js';
