import { execFile } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WalkthroughMachine } from './machine.js';
import { importKernel } from './made-fix.js';
import { moveClock } from './moved-clock.js';
import { Page, type Ran } from './page.js';
import { Service } from './service.js';
import { Stable } from './stable.js';

const run = promisify(execFile);
/** From dist/test/walkthrough. */
const bin = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'bin');

/** The service, a machine, and a page on which everything that is typed is kept. */
export class Scene {
  readonly stable = new Stable();
  private readonly page = new Page();

  private constructor(
    private readonly folder: string,
    private running: Service,
    private readonly machine: WalkthroughMachine,
  ) {
    this.stable.know(new URL(running.url).host, '127.0.0.1:8420');
  }

  /**
   * @param folder an empty one, which becomes the process's: what both sides type names files in it
   * @param functions of the machine's kernel
   */
  static async set(folder: string, time: string, functions: readonly string[]): Promise<Scene> {
    process.chdir(folder);
    moveClock(time);
    const machine = await WalkthroughMachine.create(functions);
    const service = await Service.start(join(folder, 'data'));
    await importKernel(service.platform);
    await service.atRest();
    return new Scene(folder, service, machine);
  }

  get service(): Service {
    return this.running;
  }

  prose(text: string): void {
    this.page.prose(text);
  }

  /** What an operator types into a shell. @param read of what it prints, before that is written down */
  async operator(command: string): Promise<void>;
  async operator<T>(command: string, read: (text: string) => T): Promise<T>;
  async operator<T>(command: string, read?: (text: string) => T): Promise<T | undefined> {
    const ran = await this.shell(command);
    await this.running.atRest();
    const learnt = read?.(ran.text);
    this.page.ran('operator', this.stable.named(command), { ...ran, text: this.stable.printed(ran.text) });
    return learnt;
  }

  /** What is typed on the machine, where the agent is. */
  async splicecast(command: string): Promise<void> {
    const ran = await this.machine.splicecast(command.split(' '));
    await this.running.atRest();
    this.stable.know(await this.machine.machineId(), '<machine>');
    const typed = this.stable.named(`splicecast ${command}`);
    this.page.ran('machine', typed, { ...ran, text: this.stable.printed(ran.text) });
  }

  async machineId(): Promise<string> {
    return this.machine.machineId();
  }

  /** The service is stopped, and started when it is `time`: all that is due by the calendar it does at its start. */
  async continueAt(time: string): Promise<void> {
    await this.running.stop();
    moveClock(time);
    this.running = await Service.start(join(this.folder, 'data'), this.running);
    await this.running.atRest();
  }

  async end(): Promise<string> {
    await this.running.stop();
    await this.machine.remove();
    return this.page.toString();
  }

  private async shell(command: string): Promise<Ran> {
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      SPLICECAST_URL: this.running.url,
      SPLICECAST_ADMIN_TOKEN: this.running.adminToken,
    };
    try {
      const { stdout, stderr } = await run('bash', ['-c', command], { env, cwd: this.folder });
      return { text: stdout + stderr, exit: 0 };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { text: stdout + stderr, exit: code };
    }
  }
}
