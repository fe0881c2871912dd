import { join, normalize } from 'node:path';
import type { IncludeIndex } from './include-index.js';

/** Who may include whom: more than there is, never less. */
export class IncludeGraph {
  private readonly includers = new Map<string, string[]>();
  private readonly byName = new Map<string, string[]>();

  /**
   * @param folders those that every compile command searches first (LINUXINCLUDE), in order
   * @param always headers that the command line includes into every object
   */
  constructor(
    private readonly index: IncludeIndex,
    private readonly folders: readonly string[],
    private readonly always: readonly string[],
    /** Files that the fix changes, with what they include before or after. */
    private readonly changed: IncludeIndex,
  ) {
    for (const path of new Set([...index.keys(), ...changed.keys()])) push(this.byName, baseName(path), path);
    for (const [path, names] of index) this.link(path, names);
    for (const [path, names] of changed) this.link(path, names);
  }

  /** .c files that can have one of the paths in what they compile, themselves among them. */
  sourcesReaching(paths: readonly string[]): ReadonlySet<string> {
    return new Set([...this.filesReaching(paths)].filter((path) => path.endsWith('.c')));
  }

  /** All files that can have one of the paths in what they bring along, themselves among them; who includes them directly comes first. */
  filesReaching(paths: readonly string[]): ReadonlySet<string> {
    const seen = new Set(paths);
    for (const path of seen) for (const includer of this.includers.get(path) ?? []) seen.add(includer);
    const everywhere = this.always.some((path) => seen.has(path));
    return everywhere ? new Set([...this.index.keys(), ...this.changed.keys()]) : seen;
  }

  private link(path: string, names: readonly string[]): void {
    for (const name of names) for (const target of this.targets(path, name)) push(this.includers, target, path);
  }

  /** The file that a name means; all that it may mean, where that hangs on flags of a folder. */
  private targets(path: string, directive: string): readonly string[] {
    const name = directive.slice(1);
    const places = directive.startsWith('"') ? [join(path, '..'), ...this.folders] : this.folders;
    for (const place of places) {
      const candidate = normalize(join(place, name));
      if (this.index.has(candidate)) return [candidate];
      // A file that the fix adds may stand before others, or not yet.
      if (this.changed.has(candidate)) return [candidate, ...this.bySuffix(name)];
    }
    return this.bySuffix(name);
  }

  private bySuffix(name: string): readonly string[] {
    const plain = normalize(name).replace(/^(?:\.\.\/)+/, '');
    const same = this.byName.get(baseName(plain)) ?? [];
    return same.filter((path) => path === plain || path.endsWith(`/${plain}`));
  }
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
