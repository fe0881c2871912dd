/** Gives back what was taken; more than once does no harm. */
export type Release = () => void;

/** A bounded number of things at once, and a bounded queue before them: who comes past that is told so at once. */
export class Slots {
  private taken = 0;
  private readonly queue: ((release: Release) => void)[] = [];

  constructor(
    private readonly atOnce: number,
    private readonly maxWaiting: number,
  ) {}

  /** Takes a slot, if one is free within the time. */
  async take(waitMs: number): Promise<Release | undefined> {
    if (this.taken < this.atOnce) return this.occupy();
    if (this.queue.length >= this.maxWaiting) return undefined;
    return new Promise((resolve) => {
      const give = (release: Release): void => {
        clearTimeout(timer);
        resolve(release);
      };
      const timer = setTimeout(() => {
        this.queue.splice(this.queue.indexOf(give), 1);
        resolve(undefined);
      }, waitMs);
      this.queue.push(give);
    });
  }

  private occupy(): Release {
    this.taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.taken -= 1;
      this.queue.shift()?.(this.occupy());
    };
  }
}
