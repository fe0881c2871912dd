/** A sleep that can be ended early, also before it began: what happens while one works isn't missed. */
export class Alarm {
  private rung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Resolves after `ms`, or at the next ring. @returns whether it rang. */
  async wait(ms: number): Promise<boolean> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        // setTimeout counts in 32 bits.
        const timer = setTimeout(resolve, Math.min(ms, 2_147_483_647));
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.wake = undefined;
    const rang = this.rung;
    this.rung = false;
    return rang;
  }
}
