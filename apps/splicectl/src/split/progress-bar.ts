import { SingleBar } from 'cli-progress';

/** Something under way: a phase, and how far it is in units of its own. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  /** 0 where nobody knows. */
  readonly total: number;
}

/** Shows one bar a phase where somebody watches, and nothing in a log. */
export class SplitProgressBar {
  private bar: SingleBar | undefined;
  private phase = '';

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show({ phase, done, total }: Progress): void {
    if (!this.stream.isTTY) return;
    if (phase !== this.phase || !this.bar) {
      this.bar?.stop();
      this.phase = phase;
      const format = total > 0 ? `${phase.padEnd(16)} {bar} {value}/{total}` : `${phase.padEnd(16)} {value} files`;
      this.bar = new SingleBar({ format, stream: this.stream, hideCursor: true });
      this.bar.start(total, done);
    }
    this.bar.setTotal(total);
    this.bar.update(done);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
