import type { SubjectWords } from './subject.js';
import { namesOf } from './subject.js';

interface PathToken {
  readonly file: number;
  /** 1 a whole component or stem, less a part of one. */
  readonly weight: number;
}

/** A component of a prefix that fits no more files than this means a subsystem. */
const maxOfSubsystem = 40;

/** How well subjects' prefixes fit the paths of the changed files. */
export class PathEvidence {
  private readonly index = new Map<string, PathToken[]>();
  private readonly matches = new Map<string, ReadonlyMap<number, number>>();

  constructor(private readonly paths: readonly string[]) {
    for (const [file, path] of paths.entries()) {
      for (const [token, weight] of pathTokens(path)) {
        const list = this.index.get(token) ?? [];
        list.push({ file, weight });
        this.index.set(token, list);
      }
    }
  }

  /** Files for which the prefix speaks, with how much it does (ln of the odds against chance). */
  ofSubject(subject: SubjectWords): Map<number, number> {
    const scores = new Map<number, number>();
    const parts = subject.prefix.map((component) => this.filesOf(component)).filter((files) => files.size > 0);
    for (const files of parts) {
      const rarity = this.rarity(files);
      for (const [file, weight] of files) scores.set(file, (scores.get(file) ?? 0) + rarity * weight);
    }
    // A component that fits other files speaks against those that it doesn't fit, the most specific one most.
    for (const [place, files] of parts.entries()) {
      const against = this.rarity(files) * (place === parts.length - 1 ? 0.8 : 0.4);
      for (const [file, score] of scores) if (!files.has(file)) scores.set(file, score - against);
    }
    this.addBody(subject, scores);
    return scores;
  }

  /**
   * Files of a subsystem that the prefix names, though the rest of it fits others better: of `f2fs: compress:` all of f2fs, whose compression isn't
   * only in compress.c.
   */
  ofSubsystem({ prefix }: SubjectWords): Set<number> {
    const few = prefix.map((component) => this.filesOf(component)).filter(({ size }) => size <= maxOfSubsystem);
    return new Set(few.flatMap((files) => [...files.keys()]));
  }

  /** A driver or file that the rest of the subject names. */
  private addBody(subject: SubjectWords, scores: Map<number, number>): void {
    for (const word of new Set([...subject.identifiers, ...subject.words])) {
      const list = this.index.get(word);
      if (!list || list.length > 40) continue;
      const rarity = Math.log(this.paths.length / list.length);
      for (const { file, weight } of list) {
        const score = scores.get(file);
        if (score !== undefined || weight === 1) scores.set(file, (score ?? 0) + rarity * weight * 0.5);
      }
    }
  }

  private rarity(files: ReadonlyMap<number, number>): number {
    return Math.log((this.paths.length + 1) / (files.size + 0.5));
  }

  private filesOf(component: string): ReadonlyMap<number, number> {
    const known = this.matches.get(component);
    if (known) return known;
    const files = new Map<number, number>();
    const put = (file: number, weight: number): void => {
      if ((files.get(file) ?? 0) < weight) files.set(file, weight);
    };
    for (const name of namesOf(component)) {
      for (const { file, weight } of this.index.get(name) ?? []) put(file, weight);
      if (name.length < 4) continue;
      // `rtl8xxxu` and rtl8xxxu_core.c, `nvme_fabrics` and nvme.
      for (const [token, list] of this.index) {
        if (
          token.length >= 4 &&
          token !== name &&
          (token.startsWith(name) || (list.length <= 60 && name.startsWith(`${token}_`)))
        ) {
          for (const { file, weight } of list) put(file, weight * 0.6);
        }
      }
    }
    this.matches.set(component, files);
    return files;
  }
}

/** `drivers/iio/pressure/dps310.c` → drivers, iio, pressure, dps310; of compound names the parts too. */
function pathTokens(path: string): Map<string, number> {
  const tokens = new Map<string, number>();
  const put = (token: string, weight: number): void => {
    if (token !== '' && (tokens.get(token) ?? 0) < weight) tokens.set(token, weight);
  };
  for (const component of path.toLowerCase().split('/')) {
    const name = component.replace(/\.[^.]*$/, '').replaceAll('-', '_');
    put(name, 1);
    const parts = name.split('_');
    if (parts.length > 1) for (const part of parts) if (part.length >= 2) put(part, 0.75);
  }
  return tokens;
}
