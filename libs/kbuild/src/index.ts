export { type CompiledObject, compileObject, compileTypes, type DeclaredTypes, includedFiles } from './compile.js';
export { KbuildError, type KbuildErrorCode } from './errors.js';
export { folderObjects, type ObjectRule, objectRules, type Unbuilt } from './folder-rules.js';
export { codeMayDiffer } from './code-change.js';
export { onlyCommentsDiffer } from './mentions.js';
export { preprocess } from './preprocess.js';
export { type Reach, sourcesReaching } from './reach.js';
export { changedTree, folderTree, safePath, type SourceFile, type SourceTree, type SourceWalk } from './source-tree.js';
export { folderOf, objectOf, sourceOf, Workspace } from './workspace.js';
