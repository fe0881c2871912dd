/** Takes the time of each part. */
export class StopWatch {
  readonly startedAt = new Date();
  readonly laps: Record<string, number> = {};
  private lastMs = Date.now();

  lap(name: string): void {
    const nowMs = Date.now();
    this.laps[name] = nowMs - this.lastMs;
    this.lastMs = nowMs;
  }
}
