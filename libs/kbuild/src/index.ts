export { type CompiledObject, compileObject, includedFiles } from './compile.js';
export { KbuildError, type KbuildErrorCode } from './errors.js';
export { folderObjects, type ObjectRule, objectRules, type Unbuilt } from './folder-rules.js';
export { changedTree, folderTree, safePath, type SourceTree } from './source-tree.js';
export { folderOf, objectOf, sourceOf, Workspace } from './workspace.js';
