// Which commits of a series can be asked to become live patches at all, and a random sample of them.
import {
  folderObjects,
  folderOf,
  includedFiles,
  KbuildError,
  objectOf,
  objectRules,
  type SourceTree,
  Workspace,
} from '#libs/kbuild';
import type { KernelProfile } from '#libs/kernelimage';
import type { SeriesEntry } from '#libs/trees';

/** How many commits are left after each condition. */
export interface Funnel {
  readonly commits: number;
  /** Not a remainder: a changelog entry explains it. */
  readonly attributed: number;
  /** It changes C of the kernel for this architecture. */
  readonly withCode: number;
  /** How many of those, in random order, had to be looked at to find the sample. */
  readonly lookedAt: number;
  readonly notBuilt: number;
  readonly sampled: number;
}

const outside =
  /^(?:Documentation|LICENSES|samples|scripts|tools|usr|certs)\/|^arch\/(?!x86\/)|^include\/(?:asm-(?!generic)|dt-bindings\/)/;

/** The files of a commit that may reach this kernel's code. */
function codeOf({ paths }: SeriesEntry): readonly string[] {
  return paths.filter((path) => /\.[ch]$/.test(path) && !outside.test(path));
}

/** The same order for the same seed, everywhere (mulberry32, Fisher-Yates). */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const result = [...items];
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

/** Draws fixes until `count` are found of which this kernel builds at least one object. */
export async function sampleOf(
  commits: readonly SeriesEntry[],
  profile: KernelProfile,
  base: SourceTree,
  { count, seed }: { readonly count: number; readonly seed: number },
): Promise<{ readonly funnel: Funnel; readonly sample: readonly SeriesEntry[] }> {
  const attributed = commits.filter(({ remainder }) => remainder === undefined);
  const withCode = attributed.filter((commit) => codeOf(commit).length > 0);
  const sample: SeriesEntry[] = [];
  const built = new BuiltFiles(profile, base);
  let lookedAt = 0;
  for (const commit of shuffled(withCode, seed)) {
    if (sample.length === count) break;
    lookedAt += 1;
    if (await built.anyOf(codeOf(commit))) sample.push(commit);
  }
  const counts = { commits: commits.length, attributed: attributed.length, withCode: withCode.length };
  return {
    funnel: { ...counts, lookedAt, notBuilt: lookedAt - sample.length, sampled: sample.length },
    sample,
  };
}

/** Which files of the source end up in an object of the kernel. */
class BuiltFiles {
  private readonly known = new Map<string, boolean>();

  constructor(
    private readonly profile: KernelProfile,
    private readonly base: SourceTree,
  ) {}

  async anyOf(paths: readonly string[]): Promise<boolean> {
    // A public header is taken to reach some object: nearly all do.
    if (paths.some((path) => /^(?:include|arch\/x86\/include)\//.test(path))) return true;
    for (const path of paths) {
      const known = this.known.get(path) ?? (await this.isBuilt(path));
      this.known.set(path, known);
      if (known) return true;
    }
    return false;
  }

  private async isBuilt(path: string): Promise<boolean> {
    const workspace = await Workspace.create(this.profile, this.base);
    try {
      if (path.endsWith('.c')) {
        const rule = (await objectRules(workspace, folderOf(path), [objectOf(path)])).get(objectOf(path));
        if (rule !== undefined && rule !== 'not-configured') return true;
      }
      // A header, or a .c file that others include: of the objects of its folder.
      for (const rule of await folderObjects(workspace, folderOf(path))) {
        if ((await includedFiles(workspace, rule)).has(path)) return true;
      }
      return false;
    } catch (error) {
      // What the Makefiles don't say is left to the build itself to find out.
      if (error instanceof KbuildError) return true;
      throw error;
    } finally {
      await workspace.remove();
    }
  }
}
