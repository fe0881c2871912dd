import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Reason } from '#libs/contracts';
import { readElf, sectionNamed } from '#libs/elf';
import { type KernelProfile, loadProfile, symbolsNamed } from '#libs/kernelimage';
import { diffObjects, emitModule, type EmitOutcome, type KernelView, type ObjectDiff } from '#libs/objdiff';
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

async function readObject(path: string): Promise<Uint8Array> {
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

/** A module that the kernel's vendor doesn't ship: its name, and its symbols as the loader will see them. */
interface ForeignModule {
  readonly name: string;
  readonly symbols: (name: string) => ReturnType<typeof symbolsNamed>;
}

async function readModule(path: string): Promise<ForeignModule> {
  const elf = readElf(await readObject(path));
  const info = Buffer.from(sectionNamed(elf, '.modinfo')?.data ?? []).toString('latin1');
  const name = /(?:^|\0)name=([\w]+)\0/.exec(info)?.[1];
  if (name === undefined) throw new Error(`${path}: no kernel module, its .modinfo has no name`);
  return { name, symbols: (symbol) => symbolsNamed(elf, symbol) };
}

/** The kernel, and in it a module of somebody else's. */
function viewOf(profile: KernelProfile, foreign: ForeignModule | undefined): KernelView {
  return {
    release: profile.release,
    vermagic: profile.vermagic,
    symbols: (name) => profile.symbols(name),
    moduleSymbols: (module, name) =>
      module === foreign?.name ? foreign.symbols(name) : profile.moduleSymbols(module, name),
    exportOf: (name) => profile.exportOf(name),
    sizeOf: (struct) => profile.sizeOf(struct),
    offsetOf: (struct, member) => profile.offsetOf(struct, member),
    sympos: (objectFile, symbol) => profile.sympos(objectFile, symbol),
  };
}

async function objdiff(original: string, patched: string, options: ObjdiffOptions): Promise<Report> {
  const profile = options.kernel === undefined ? undefined : await loadProfile(options.kernel);
  const foreign = options.moduleFile === undefined ? undefined : await readModule(options.moduleFile);
  if (foreign !== undefined && options.object !== undefined && options.object !== foreign.name)
    throw new Error(`${options.moduleFile} is the module ${foreign.name}, not ${options.object}`);
  const diff = diffObjects({
    objectFile: options.objectFile ?? original,
    owner: foreign?.name ?? options.object ?? 'vmlinux',
    original: await readObject(original),
    patched: await readObject(patched),
    ...(profile && { sizes: profile.tableSizes() }),
  });
  if (diff.outcome !== 'changed' || profile === undefined) return reportOf(diff);
  const emitted = emitModule({
    name: moduleNameOf(options.output ?? original),
    kernel: viewOf(profile, foreign),
    diffs: [diff.included],
    replace: false,
  });
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
      if (options.output !== undefined && options.kernel === undefined) self.error('-o needs --kernel');
      const report = await objdiff(original, patched, options);
      if (options.json === true) printJson(report);
      else print(report);
      process.exitCode = exitCodes[report.outcome];
    });
}
