import { readFile, stat } from 'node:fs/promises';
import { writeDurably } from '#libs/durable';
import { checkObjectTypes, mismatchesThatMatter, viewWithMatches } from '#libs/hotpatch';
import { type KernelProfile, loadProfile } from '#libs/kernelimage';
import {
  type ChangedDiff,
  diffObjects,
  emitModule,
  type EmitOutcome,
  type ObjectDiff,
  type ReasonCode,
} from '#libs/objdiff';
import { matchRunPre, type RunPreMatch } from '#libs/runpre';
import { moduleNameOf } from '../module-name.js';
import { printJson } from '../output.js';
import { exitCodes, printReport, type Report, reportOf } from './report.js';

export interface ObjdiffOptions {
  readonly object?: string;
  readonly objectFile?: string;
  readonly kernel?: string;
  readonly moduleFile?: string;
  readonly output?: string;
  readonly json?: boolean;
}

/** The largest object of Linux 6.1 with debug information is under 40 MB. */
const maxObjectBytes = 256 * 2 ** 20;

async function readObject(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > maxObjectBytes) throw new Error(`${path}: ${size} bytes are too many for an object file`);
  return await readFile(path);
}

/** Of objects that couldn't be read at all, so that nothing else can be said of them. */
const unread: ReadonlySet<string> = new Set<ReasonCode>(['not-an-object', 'other-architecture']);

/** What the types say comes to what the code says: live data whose layout changes shows in no function. */
function withTypes(
  diff: ObjectDiff,
  objectFile: string,
  { original, patched }: { readonly original: Uint8Array; readonly patched: Uint8Array },
): ObjectDiff {
  if (diff.outcome === 'no-change') return diff;
  if (diff.outcome === 'refused' && diff.reasons.some(({ code }) => unread.has(code))) return diff;
  const types = checkObjectTypes(objectFile, original, patched);
  const notices = [...diff.notices, ...types.notices];
  if (types.reasons.length === 0) return { ...diff, notices };
  const reasons = [...(diff.outcome === 'refused' ? diff.reasons : []), ...types.reasons];
  return { outcome: 'refused', reasons, notices, changed: diff.changed, added: diff.added };
}

/** What a command is about: which code, and of which kernel if one is named. */
interface Subject {
  readonly objectFile: string;
  readonly owner: string;
  readonly profile?: KernelProfile;
}

async function subjectOf(original: string, options: ObjdiffOptions): Promise<Subject> {
  const objectFile = options.objectFile ?? original;
  const owner = options.object ?? 'vmlinux';
  if (options.kernel === undefined) return { objectFile, owner };
  const profile = await loadProfile(options.kernel);
  if (options.moduleFile === undefined) return { objectFile, owner, profile };
  const module = profile.addModule(await readObject(options.moduleFile));
  if (options.object !== undefined && options.object !== module)
    throw new Error(`${options.moduleFile} is the module ${module}, not ${options.object}`);
  return { objectFile, owner: module, profile };
}

/** A difference with what run-pre matching says against it: it may rest on a source that the kernel wasn't built from. */
function withMatch(diff: ObjectDiff, match: RunPreMatch): ObjectDiff {
  const mismatches = mismatchesThatMatter(diff, match);
  if (mismatches.length === 0 || diff.outcome === 'no-change') return diff;
  const reasons = [...mismatches, ...(diff.outcome === 'refused' ? diff.reasons : [])];
  return { outcome: 'refused', reasons, notices: diff.notices, changed: diff.changed, added: diff.added };
}

function emit(diff: ChangedDiff, profile: KernelProfile, match: RunPreMatch, name: string): EmitOutcome {
  const kernel = viewWithMatches(profile, new Map([[match.objectFile, match]]));
  return emitModule({ name, kernel, diffs: [diff.included], replace: false });
}

async function objdiff(original: string, patched: string, options: ObjdiffOptions): Promise<Report> {
  const { objectFile, owner, profile } = await subjectOf(original, options);
  const objects = { original: await readObject(original), patched: await readObject(patched) };
  const sizes = profile && { sizes: profile.tableSizes() };
  const found = withTypes(diffObjects({ objectFile, owner, ...objects, ...sizes }), objectFile, objects);
  if (found.outcome !== 'changed' || profile === undefined) return reportOf(found);
  const match = matchRunPre(profile, { objectFile, owner, bytes: objects.original });
  const diff = withMatch(found, match);
  if (diff.outcome !== 'changed') return reportOf(diff);
  const emitted = emit(diff, profile, match, moduleNameOf(options.output ?? original));
  const report = reportOf(diff, emitted);
  if (emitted.outcome === 'refused' || options.output === undefined) return report;
  await writeDurably(options.output, emitted.bytes, 0o644);
  return { ...report, module: { path: options.output, sizeBytes: emitted.bytes.length } };
}

/** Compares, writes the module if one is asked for, and says what came out; the exit code too. */
export async function runObjdiff(original: string, patched: string, options: ObjdiffOptions): Promise<void> {
  try {
    const report = await objdiff(original, patched, options);
    if (options.json === true) printJson(report);
    else printReport(report);
    process.exitCode = exitCodes[report.outcome];
  } catch (error) {
    if (options.json !== true) throw error;
    // Programs read standard output, and find there why there is nothing else.
    printJson({ outcome: 'error', reason: error instanceof Error ? error.message : String(error) });
    process.exitCode = exitCodes.error;
  }
}
