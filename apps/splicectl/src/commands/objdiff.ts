import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Reason } from '#libs/contracts';
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
import { Command } from 'commander';
import { printJson } from '../output.js';

interface ObjdiffOptions {
  readonly object?: string;
  readonly objectFile?: string;
  readonly kernel?: string;
  readonly moduleFile?: string;
  readonly output?: string;
  readonly json?: boolean;
}

const exitCodes = { made: 0, error: 1, refused: 2, 'no-change': 3 } as const;
/** The largest object of Linux 6.1 with debug information is under 40 MB. */
const maxObjectBytes = 256 * 2 ** 20;

/** What the command found, in the form that `--json` prints. */
interface Report {
  readonly outcome: keyof typeof exitCodes;
  readonly changed: readonly string[];
  readonly new: readonly string[];
  /** `symbol` is there always: the object's name if it is about no symbol. */
  readonly refusals: readonly (Reason & { readonly symbol: string })[];
  readonly bundled: readonly string[];
  readonly notices: readonly Reason[];
  readonly module?: { readonly path: string; readonly sizeBytes: number };
}

async function readObject(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > maxObjectBytes) throw new Error(`${path}: ${size} bytes are too many for an object file`);
  return await readFile(path);
}

/** `out/Fix-1.ko` → `fix_1`: module names have no dashes. */
function moduleNameOf(path: string): string {
  const name = basename(path, '.ko').toLowerCase();
  return name.replaceAll(/[^a-z0-9]/g, '_').slice(0, 55);
}

function reportOf(diff: ObjectDiff, emitted?: EmitOutcome): Report {
  const names = {
    changed: diff.outcome === 'no-change' ? [] : diff.changed,
    new: diff.outcome === 'no-change' ? [] : diff.added,
    bundled: diff.outcome === 'changed' ? diff.bundled : [],
  };
  const notices = [...diff.notices, ...(emitted?.outcome === 'emitted' ? emitted.notices : [])];
  const reasons = diff.outcome === 'refused' ? diff.reasons : emitted?.outcome === 'refused' ? emitted.reasons : [];
  const refusals = reasons.map((reason) => ({ ...reason, symbol: reason.symbol ?? reason.object ?? '' }));
  const unreadable = refusals.some(({ code }) => code === 'not-an-object');
  const refused = unreadable ? 'error' : refusals.length > 0 ? 'refused' : 'made';
  return { outcome: diff.outcome === 'no-change' ? 'no-change' : refused, ...names, refusals, notices };
}

/** The same path holds either the old file or the whole new one. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  await writeFile(draft, bytes);
  await rename(draft, path);
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
  await writeWhole(options.output, emitted.bytes);
  return { ...report, module: { path: options.output, sizeBytes: emitted.bytes.length } };
}

function list(label: string, names: readonly string[]): void {
  if (names.length > 0) process.stdout.write(`${label}: ${names.join(', ')}\n`);
}

function print(report: Report): void {
  list('changed', report.changed);
  list('new', report.new);
  list('copied along', report.bundled);
  for (const [label, reasons] of [
    ['note', report.notices],
    ['refused', report.refusals],
  ] as const)
    for (const { symbol, code, reason, advice } of reasons) {
      const hint = advice === undefined ? '' : `\n    ${advice}`;
      process.stdout.write(`${label}: ${symbol ?? ''} ${reason} [${code}]${hint}\n`);
    }
  if (report.outcome === 'no-change') process.stdout.write('no change\n');
  if (report.module !== undefined)
    process.stdout.write(`made ${report.module.path} (${report.module.sizeBytes} bytes)\n`);
}

async function objdiffAction(original: string, patched: string, options: ObjdiffOptions): Promise<void> {
  try {
    const report = await objdiff(original, patched, options);
    if (options.json === true) printJson(report);
    else print(report);
    process.exitCode = exitCodes[report.outcome];
  } catch (error) {
    if (options.json !== true) throw error;
    // Programs read standard output, and find there why there is nothing else.
    printJson({ outcome: 'error', reason: error instanceof Error ? error.message : String(error) });
    process.exitCode = exitCodes.error;
  }
}

/** `splicectl objdiff ORIG.o PATCHED.o`: exits 0 made (or makeable), 1 error, 2 refused, 3 no change. */
export function objdiffCommand(): Command {
  return new Command('objdiff')
    .description('compare one object before and after a fix, and make a live patch of the difference')
    .argument('<original>', 'the object as it was, compiled with -ffunction-sections -fdata-sections')
    .argument('<patched>', 'the same object with the fix')
    .option('--object <name>', 'where the code lives: vmlinux, or a module (default: vmlinux)')
    .option('--module-file <ko>', 'that module as it is loaded, if the kernel’s vendor doesn’t ship it')
    .option('--object-file <path>', 'its path in the kernel’s build, e.g. fs/fcntl.o (default: as given)')
    .option('--kernel <profile>', 'the kernel to make it for (splicectl kernel import)')
    .option('-o, --output <module>', 'write the module there; its name is the file’s')
    .option('--json', 'for programs')
    .action(async (original: string, patched: string, options: ObjdiffOptions, self: Command) => {
      for (const needing of ['output', 'moduleFile'] as const)
        if (options[needing] !== undefined && options.kernel === undefined)
          self.error(`${needing === 'output' ? '-o' : '--module-file'} needs --kernel`);
      await objdiffAction(original, patched, options);
    });
}
