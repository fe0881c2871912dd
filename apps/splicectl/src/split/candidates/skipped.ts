const maxNoticesEach = 20;

/** Says what was used of a source and what was left out, without a line for each of ten thousand. */
export class Skipped {
  private readonly reasons: string[] = [];
  private readonly told: string[] = [];
  private count = 0;

  constructor(private readonly source: string) {}

  /** Something was left out. */
  add(reason: string): void {
    this.count += 1;
    if (this.reasons.length < maxNoticesEach) this.reasons.push(reason);
  }

  /** Something is worth knowing. */
  tell(what: string): void {
    this.told.push(what);
  }

  notices(): string[] {
    const more = this.count - this.reasons.length;
    return [
      ...[...this.told, ...this.reasons].map((reason) => `candidates ${this.source}: ${reason}`),
      ...(more > 0 ? [`candidates ${this.source}: ${more} more were left out`] : []),
    ];
  }
}
