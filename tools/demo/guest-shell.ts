import { type Guest, type GuestOptions, bootGuest } from '#libs/guest';

/** What a command in the guest said and how it ended. */
export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

/**
 * The guest's job: runs what its standard input says, line by line, and marks begin and end of each command on the console.
 * The marks carry a number, so that what the kernel or a background process prints is never taken for one.
 */
const job = `
echo @ready
while read -r number command; do
  echo "@begin $number"
  eval "$command"
  echo "@end $number $?"
done
`;

/** A booted guest that takes commands. */
export class GuestShell {
  private number = 0;
  private readonly waiting = new Map<string, { lines: string[]; done: (result: CommandResult) => void }>();
  private current: string[] | undefined;
  private guest!: Guest;

  private constructor() {}

  /** Boots it. @throws GuestError (see #libs/guest). */
  static async boot(options: Omit<GuestOptions, 'script'>): Promise<GuestShell> {
    const shell = new GuestShell();
    shell.guest = await bootGuest({
      ...options,
      script: job,
      onLine: (line) => {
        shell.hear(line);
        options.onLine?.(line);
      },
    });
    // What is sent before the job reads is lost in the serial port.
    await shell.guest.waitFor(/^@ready/);
    return shell;
  }

  /** Runs one command line. @throws GuestError if the guest ends meanwhile; Error after `timeoutMs`. */
  async run(command: string, timeoutMs = 300_000): Promise<CommandResult> {
    if (command.includes('\n')) throw new TypeError('a command is one line');
    const number = String(++this.number);
    const result = new Promise<CommandResult>((resolve) => {
      this.waiting.set(number, { lines: [], done: resolve });
    });
    this.guest.send(`${number} ${command}\n`);
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(
        () => reject(new Error(`the guest didn't finish within ${timeoutMs / 1000} s: ${command}`)),
        timeoutMs,
      ).unref();
    });
    const ended = this.guest.exited.then(() => {
      throw new Error(`the guest ended during: ${command}`);
    });
    return Promise.race([result, late, ended]);
  }

  /** Runs one command line that must succeed, and returns what it printed. */
  async must(command: string, timeoutMs?: number): Promise<string> {
    const { code, output } = await this.run(command, timeoutMs);
    if (code !== 0) throw new Error(`in the guest: ${command}: exit code ${code}\n${output}`);
    return output;
  }

  /** Switches it off. */
  async powerOff(): Promise<void> {
    this.guest.send('0 exit 0\n');
    await this.guest.exited;
  }

  /** Pulls the plug. */
  kill(): void {
    this.guest.kill();
  }

  private hear(line: string): void {
    const mark = /^@(begin|end) (\d+)(?: (\d+))?\s*$/.exec(line);
    if (mark === null) {
      this.current?.push(line);
      return;
    }
    const [, kind, number = '', code] = mark;
    const command = this.waiting.get(number);
    if (command === undefined) return;
    if (kind === 'begin') {
      this.current = command.lines;
      return;
    }
    this.current = undefined;
    this.waiting.delete(number);
    command.done({ code: Number(code), output: command.lines.join('\n') });
  }
}
