export { diffObjects } from './diff.js';
export { emitModule } from './emit/module.js';
export type { EmitOutcome, EmitRequest, PatchedSymbol } from './emit/request.js';
export type { KernelExport, KernelSymbol, KernelView, LoaderStruct } from './kernel-view.js';
export type { ChangedDiff, NoChange, ObjdiffInput, ObjectDiff, ReasonCode, RefusedDiff } from './outcome.js';
export { type ReasonMeaning, reasonCodes } from './reason-codes.js';
export type { TableSizes, TableStruct } from './special/formats.js';
export type { ChangedFunction, KernelReference, Selection } from './select/selection.js';
