import { MultiBar, Presets, type SingleBar } from 'cli-progress';

/** One long step as people see it: a bar in a terminal, a line when it begins and one when it ends elsewhere. */
export interface Step {
  /** Sets how far it is, and says what it is at. */
  update(done: number, total: number, note?: string): void;
  /** Ends it with its figures. */
  done(figures: string): void;
}

const tty = process.stderr.isTTY;
const dim = (text: string): string => (tty ? `\u001b[2m${text}\u001b[0m` : text);
const bold = (text: string): string => (tty ? `\u001b[1m${text}\u001b[0m` : text);

/** Shows the steps of the demo, one after the other or side by side. */
export class Progress {
  private bars: MultiBar | undefined;
  private running = 0;

  heading(text: string): void {
    process.stderr.write(`\n${bold(text)}\n`);
  }

  note(text: string): void {
    if (this.bars) this.bars.log(`  ${text}\n`);
    else process.stderr.write(`  ${text}\n`);
  }

  /** Begins a step. Several may run at once. */
  begin(label: string): Step {
    const startedMs = Date.now();
    const seconds = (): string => `${((Date.now() - startedMs) / 1000).toFixed(1)} s`;
    if (!tty) {
      process.stderr.write(`  ${label} …\n`);
      return {
        update: () => undefined,
        done: (figures) => process.stderr.write(`  ${label}: ${figures} (${seconds()})\n`),
      };
    }
    this.bars ??= new MultiBar(
      {
        format: '  {label} {bar} {note}',
        hideCursor: true,
        clearOnComplete: true,
        fps: 8,
        barsize: 24,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    const bars = this.bars;
    this.running += 1;
    const bar: SingleBar = bars.create(1, 0, { label: label.padEnd(36), note: '' });
    return {
      update: (done, total, note = '') => {
        bar.setTotal(Math.max(total, 1));
        bar.update(Math.min(done, total), { note: dim(`${note} ${seconds()}`) });
      },
      done: (figures) => {
        // Written above the bars that still run; removing the bar brings it to the terminal.
        bars.log(`  ✓ ${label}: ${figures} ${dim(`(${seconds()})`)}\n`);
        bars.remove(bar);
        this.running -= 1;
        if (this.running === 0) this.stop();
      },
    };
  }

  stop(): void {
    this.bars?.stop();
    this.bars = undefined;
  }
}
