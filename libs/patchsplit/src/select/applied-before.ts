import type { Candidate, FilePatch, PatchHunk } from '../candidates/candidate.js';
import { isTelling } from '../hunks/telling.js';
import type { Scored } from './choose.js';
import type { BaseLines } from './line-shifts.js';

/** Evidence below which a candidate is nowhere taken in; what has less need not be looked for. */
const askedShare = 0.2;
/** A line in more places than that isn't followed to all of them. */
const maxPlaces = 64;

/**
 * Whether the base already has what a candidate makes. A patch that only adds lines fits a second time beside the first (a changelog's
 * next entry, a branch like its neighbour), and its lines may be in the step because another commit has the same ones: so that it
 * applies is no proof, but that it can be taken back from the base is one against it.
 */
export class AppliedBefore {
  private readonly known = new Map<Candidate, boolean>();
  private readonly places = new Map<string, ReadonlyMap<string, readonly number[]>>();

  constructor(private readonly base: BaseLines) {}

  has({ candidate, evidence }: Scored): boolean {
    let has = this.known.get(candidate);
    if (has === undefined) {
      if (evidence.share < askedShare) return false;
      this.known.set(candidate, (has = this.hasAll(candidate)));
    }
    return has;
  }

  private hasAll({ files }: Candidate): boolean {
    const adds = files.some(({ hunks }) => hunks.some(addsTellingLines));
    return adds && files.every((patch) => this.hasFile(patch));
  }

  private hasFile({ from, to, copied, hunks, binary }: FilePatch): boolean {
    if (binary) return false;
    if (to === undefined) return from !== undefined && this.base(from) === undefined;
    if (this.base(to) === undefined) return false;
    if (from !== undefined && from !== to && !copied && this.base(from) !== undefined) return false;
    return hunks.every((hunk) => this.hasNewSide(to, hunk));
  }

  /** The lines that a hunk leaves, one after the other and as they are. */
  private hasNewSide(path: string, { signs, lines }: PatchHunk): boolean {
    const wanted = lines.filter((_, at) => signs[at] !== '-');
    const live = this.base(path) ?? [];
    const places = this.placesOf(path);
    let rarest: { readonly at: number; readonly found: readonly number[] } | undefined;
    for (const [at, line] of wanted.entries()) {
      const found = places.get(line) ?? [];
      if (found.length === 0) return false;
      if (found.length < (rarest?.found.length ?? maxPlaces)) rarest = { at, found };
    }
    const { at: offset = 0, found = [] } = rarest ?? {};
    return found.some((place) => wanted.every((line, next) => live[place - offset + next] === line));
  }

  private placesOf(path: string): ReadonlyMap<string, readonly number[]> {
    let places = this.places.get(path);
    if (!places) {
      const found = new Map<string, number[]>();
      for (const [at, line] of (this.base(path) ?? []).entries()) {
        const known = found.get(line);
        if (!known) found.set(line, [at]);
        else if (known.length < maxPlaces) known.push(at);
      }
      this.places.set(path, (places = found));
    }
    return places;
  }
}

function addsTellingLines({ signs, lines }: PatchHunk): boolean {
  return lines.some((line, at) => signs[at] === '+' && isTelling(line));
}
