import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface VictimProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where what it says is kept. */
  readonly logFile: string;
  /** Whether it does its work now. */
  readonly isReady: () => Promise<boolean>;
}

const lookMs = 25;
/** As a supervisor that starts again what ended by itself (`Restart=always`). */
const restartMs = 150;
const stopPatienceMs = 10_000;

/** A program that is killed again and again, and started again at once. */
export class Victim {
  /** How often it was killed while it worked, and while it was still starting. */
  readonly kills = { ready: 0, starting: 0 };
  /** How long each start took until it worked, in ms. */
  readonly startsMs: number[] = [];
  /** How often it ended by itself before it worked: the log was away. */
  selfEndedAtStart = 0;
  /** What it said last when it ended by itself while it worked. That is never right. */
  readonly failures: string[] = [];
  private child: ChildProcess | undefined;
  private ready = false;
  private stopping = false;

  constructor(private readonly program: VictimProgram) {}

  get name(): string {
    return this.program.name;
  }

  start(): void {
    const { command, args, env, logFile } = this.program;
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
    closeSync(log);
    this.child = child;
    this.ready = false;
    const began = Date.now();
    child.once('exit', (code, signal) => void this.ended(child, `${code ?? signal}`));
    void this.watch(child, began);
  }

  /** SIGKILL, now, in whatever it is doing. */
  kill(): void {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    if (this.ready) this.kills.ready += 1;
    else this.kills.starting += 1;
    this.ready = false;
    killed.add(child);
    child.kill('SIGKILL');
  }

  /** @throws Error with its last words if it doesn't come back in time. */
  async untilReady(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.ready) {
      if (Date.now() > deadline) throw new Error(`${this.name} did not come back:\n${this.lastWords()}`);
      await sleep(lookMs);
    }
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs);
    await ended;
    clearTimeout(late);
  }

  /** For the end of this very process. */
  abandon(): void {
    this.stopping = true;
    this.child?.kill('SIGKILL');
  }

  private async ended(child: ChildProcess, how: string): Promise<void> {
    if (this.stopping) return;
    if (!killed.has(child)) {
      if (this.ready) this.failures.push(`${this.name} ended by itself (${how}):\n${this.lastWords()}`);
      else this.selfEndedAtStart += 1;
      this.ready = false;
      await sleep(restartMs);
    }
    if (!this.stopping && this.child === child) this.start();
  }

  private async watch(child: ChildProcess, began: number): Promise<void> {
    while (this.child === child && child.exitCode === null && child.signalCode === null && !this.stopping) {
      if (await this.program.isReady()) {
        if (this.child !== child || killed.has(child)) return;
        this.ready = true;
        this.startsMs.push(Date.now() - began);
        return;
      }
      await sleep(lookMs);
    }
  }

  private lastWords(): string {
    return readFileSync(this.program.logFile, 'utf8').slice(-3_000);
  }
}

const killed = new WeakSet<ChildProcess>();
