/** Lines looked at in one file while places for hunks are searched; a file of 100,000 lines has room for 500 vain searches. */
const maxSearchSteps = 50_000_000;
/** Pairs of lines of one file whose likeness is measured. */
const maxLikenessSteps = 300_000;
/** Commits and hunks looked at while commits are put in order: 2,000 unlisted ones among 10,000 with five hunks each have room. */
const maxOrderSteps = 500_000_000;

export interface StepBounds {
  readonly search: number;
  readonly likeness: number;
  readonly order: number;
}

const allowed: StepBounds = { search: maxSearchSteps, likeness: maxLikenessSteps, order: maxOrderSteps };

/**
 * Counts the work on each file, so that none takes forever: in steps and never by the clock, for the same input must give the same
 * commits on any machine.
 */
export class StepBudget {
  private readonly searched = new Map<string, number>();
  private readonly compared = new Map<string, number>();
  /** Files of which no candidate's change is replayed, under every name by which a change met them. */
  readonly leftOut = new Set<string>();
  /** Files of which some residual lines were compared with nothing. */
  readonly leftUncompared = new Set<string>();

  private ordered = 0;
  private isOrderSpent = false;

  constructor(private readonly bounds: StepBounds = allowed) {}

  /** A replay begins from the base again. */
  beginReplay(): void {
    this.searched.clear();
  }

  spendSearch(path: string, steps: number): void {
    this.searched.set(path, (this.searched.get(path) ?? 0) + steps);
  }

  isSearchSpent(path: string): boolean {
    return (this.searched.get(path) ?? 0) > this.bounds.search;
  }

  /** Whether so many pairs may be compared; they count as compared then. */
  mayCompare(path: string, pairs: number): boolean {
    const total = (this.compared.get(path) ?? 0) + pairs;
    if (total > this.bounds.likeness) {
      this.leftUncompared.add(path);
      return false;
    }
    this.compared.set(path, total);
    return true;
  }

  /** Whether so many commits and hunks may be looked at to put one in its place; they count as looked at then. */
  mayOrder(steps: number): boolean {
    if (this.ordered + steps > this.bounds.order) this.isOrderSpent = true;
    else this.ordered += steps;
    return !this.isOrderSpent;
  }

  notices(): string[] {
    return [
      ...(this.isOrderSpent
        ? ['too many commits to order: some that the changelog does not list stand by their dates']
        : []),
      ...[...this.leftOut]
        .sort()
        .map((path) => `${path}: too much to search; no candidate's changes to it were used, only the changelog`),
      ...[...this.leftUncompared]
        .sort()
        .map((path) => `${path}: too much to compare; lines that differ from the candidates' may be in a remainder`),
    ];
  }
}
