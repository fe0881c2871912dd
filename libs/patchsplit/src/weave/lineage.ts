import type { TreeMode } from '#libs/trees';
import { bytesOf, linesIn } from '../hunks/lines.js';
import { LineWeave } from './line-weave.js';

/** Where a file is; undefined while it isn't. */
export type Place = { readonly path: string; readonly mode: TreeMode } | undefined;

/** One file through all its versions, under whatever names. */
export class Lineage {
  /** Ascending; a later one of the same label holds. */
  private readonly places: { readonly label: number; readonly place: Place }[];
  readonly weave: LineWeave;

  constructor(content: Buffer, place: Place, label: number) {
    this.weave = new LineWeave(weaveLines(content), label);
    this.places = [{ label, place }];
  }

  get place(): Place {
    return this.places.at(-1)?.place;
  }

  placeAt(label: number): Place {
    return this.places.findLast((one) => one.label <= label)?.place;
  }

  move(label: number, place: Place): void {
    this.places.push({ label, place });
  }

  /** The last place that it had. */
  get lastPath(): string | undefined {
    return this.places.findLast(({ place }) => place)?.place?.path;
  }

  /** Every name that it ever had. */
  get paths(): string[] {
    return this.places.flatMap(({ place }) => place?.path ?? []);
  }

  /** It was deleted and the target has it: the commit that deleted it didn't. Its lines are to be closed to the target's. */
  undelete(): boolean {
    if (this.place || this.places.length < 2) return false;
    this.places.pop();
    return this.place !== undefined;
  }

  /** The labels at which it changes, ascending. */
  labels(): number[] {
    const labels = new Set(this.places.slice(1).map(({ label }) => label));
    const first = this.places[0]?.label;
    if (first !== undefined && first >= 0) labels.add(first);
    for (const { birth, death } of this.weave) {
      if (birth >= 0 && Number.isFinite(birth)) labels.add(birth);
      if (Number.isFinite(death) && death >= 0 && Number.isFinite(birth)) labels.add(death);
    }
    return [...labels].sort((a, b) => a - b);
  }

  contentAt(label: number): Buffer {
    return bytesOf(this.weave.versionAt(label));
  }
}

/** Git's own rule of what is no text. */
export function isOpaque(content: Buffer): boolean {
  return content.subarray(0, 8000).includes(0);
}

/** A file's lines for a weave; what is no text is one line, that is only ever replaced as a whole. */
export function weaveLines(content: Buffer): string[] {
  const text = content.toString('latin1');
  if (text === '') return [];
  return isOpaque(content) ? [text] : linesIn(text);
}
