/** How fast something goes, over the last few seconds of the work itself. */
export class Pace {
  private readonly marks: { readonly atMs: number; readonly events: number; readonly position: number }[] = [];
  private events = 0;

  /** @param nowMs a clock that only goes forward */
  constructor(
    private readonly nowMs: () => number = () => performance.now(),
    private readonly windowMs = 5_000,
  ) {}

  /** So many events more are done, up to this position. */
  add(events: number, position: number): void {
    this.events += events;
    this.marks.push({ atMs: this.nowMs(), events: this.events, position });
    const [first] = this.marks;
    const [, second] = this.marks;
    if (first !== undefined && second !== undefined && this.nowMs() - second.atMs > this.windowMs) this.marks.shift();
  }

  /** The pace, and how long it takes for so many positions more. */
  told(positionsLeft: number): { readonly eventsPerSecond: number; readonly secondsLeft?: number } {
    const first = this.marks[0];
    const last = this.marks.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return { eventsPerSecond: 0 };
    const seconds = (last.atMs - first.atMs) / 1_000;
    const positionsPerSecond = (last.position - first.position) / seconds;
    return {
      eventsPerSecond: Math.round((last.events - first.events) / seconds),
      ...(positionsPerSecond > 0 ? { secondsLeft: Math.ceil(positionsLeft / positionsPerSecond) } : {}),
    };
  }
}
