import { setTimeout as sleep } from 'node:timers/promises';

/** Runs steps over and over, several at once, and can be made to pause between any two. */
export class Load {
  private paused = false;
  private ended = false;
  private readonly lanes: Promise<void>[] = [];
  private busy = 0;

  /** @param failed hears of a step that threw: that is a bug of the driver, or of a promise. */
  constructor(private readonly failed: (error: unknown) => void) {}

  add(step: () => Promise<void>, isOver: () => boolean = () => false): void {
    this.lanes.push(this.run(step, isOver));
  }

  /** Resolves when every step that had begun is through. */
  async pause(): Promise<void> {
    this.paused = true;
    while (this.busy > 0) await sleep(10);
  }

  resume(): void {
    this.paused = false;
  }

  async end(): Promise<void> {
    this.ended = true;
    await Promise.all(this.lanes);
  }

  private async run(step: () => Promise<void>, isOver: () => boolean): Promise<void> {
    while (!this.ended && !isOver()) {
      if (this.paused) {
        await sleep(10);
        continue;
      }
      this.busy += 1;
      try {
        await step();
      } catch (error) {
        this.failed(error);
        await sleep(200);
      } finally {
        this.busy -= 1;
      }
    }
  }
}
