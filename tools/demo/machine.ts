import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ServiceClient } from '#libs/client';
import { type GuestKernel, guestNetwork, prepareShare } from '#libs/guest';
import { canary } from './canary.js';
import { GuestShell } from './guest-shell.js';
import type { Probe } from './report.js';

const guestTimeoutMs = 15 * 60_000;

const machineSchema = z.object({
  machineId: z.string(),
  state: z.string(),
  effectiveKernel: z.string(),
  applied: z.array(z.object({ bundleId: z.string() }).loose()),
  cvesFixedLive: z.array(z.string()),
});
export type MachineView = z.infer<typeof machineSchema>;

const pageSchema = z.object({ items: z.array(z.object({ machineId: z.string() })) });

export interface MachineOptions {
  readonly client: ServiceClient;
  readonly kernel: GuestKernel;
  /** A folder for the share; emptied first. */
  readonly shareDir: string;
  /** The project's folder: where dist and node_modules are. */
  readonly project: string;
  readonly licenseToken: string;
  readonly onLine?: (line: string) => void;
}

/** A stock machine under QEMU with the agent in it. */
export class Machine {
  private constructor(
    private readonly shell: GuestShell,
    private readonly client: ServiceClient,
  ) {}

  /** Makes the share, with the agent, its licence and the keys it trusts, and boots the stock kernel. */
  static async boot(options: MachineOptions): Promise<Machine> {
    const { client, kernel, shareDir, project, licenseToken, onLine } = options;
    await rm(shareDir, { recursive: true, force: true });
    await mkdir(shareDir, { recursive: true, mode: 0o700 });
    await prepareShare({ dir: shareDir, programs: { project, mains: { splicecast: 'apps/agent/src/main.js' } } });
    await writeFile(join(shareDir, 'etc/license.jwt'), licenseToken, { mode: 0o600 });
    const trust = await client.get('/v1/trust/keys', z.unknown());
    await writeFile(join(shareDir, 'etc/trust.json'), JSON.stringify(trust));
    const shell = await GuestShell.boot({ ...kernel, share: shareDir, timeoutMs: guestTimeoutMs, onLine });
    return new Machine(shell, client);
  }

  /** What a program in the machine sees now. */
  async probe(): Promise<Probe> {
    const version = await this.shell.must('cat /proc/version');
    const uptime = await this.shell.must('cat /proc/uptime');
    const bootId = await this.shell.must('cat /proc/sys/kernel/random/boot_id');
    return {
      patched: version.includes(canary.line),
      uptimeSec: Number(uptime.trim().split(' ')[0]),
      bootId: bootId.trim(),
    };
  }

  /** Reads a file of the machine. */
  async read(path: string): Promise<string> {
    return this.shell.must(`cat ${path}`);
  }

  /** Runs a command in the machine. @throws Error if it fails. */
  async run(command: string): Promise<string> {
    return this.shell.must(command);
  }

  /** Registers the agent, with the service or with what stands before it at another port of this host. */
  async register(port = Number(new URL(this.client.url).port)): Promise<void> {
    const url = `http://${guestNetwork.host}:${port}`;
    await this.agent(`register --url ${url} --license /etc/license.jwt --trust /etc/trust.json`);
  }

  /** Registers the agent and starts it; from then on it listens for hints. Returns the machine's id. */
  async startAgent(): Promise<string> {
    await this.register();
    await this.shell.must('(chroot /share /bin/splicecast run </dev/null >/tmp/agent.log 2>&1 &)');
    const { machineId } = await this.client.until('the machine to be enrolled', 60_000, async () => {
      const page = await this.client.get('/v1/machines?limit=1', pageSchema);
      return page.items[0];
    });
    await this.client.until('the agent to listen', 120_000, async () => {
      const { output } = await this.shell.run('grep -c "listening" /tmp/agent.log');
      return Number(output.trim()) > 0 || undefined;
    });
    return machineId;
  }

  /** What the catalog knows of the machine. */
  async view(machineId: string): Promise<MachineView> {
    return this.client.get(`/v1/machines/${machineId}`, machineSchema);
  }

  /** Runs a verb of the agent's command line. */
  async agent(verb: string, timeoutMs = 180_000): Promise<string> {
    return this.shell.must(`chroot /share /bin/splicecast ${verb}`, timeoutMs);
  }

  /** What a verb of the agent's says, however it ends. */
  async tryAgent(verb: string): Promise<string> {
    return (await this.shell.run(`chroot /share /bin/splicecast ${verb}`, 180_000)).output;
  }

  /** What the agent's daemon has said so far. */
  async log(): Promise<string> {
    return (await this.shell.run('cat /tmp/agent.log')).output;
  }

  async powerOff(): Promise<void> {
    await this.shell.powerOff();
  }

  kill(): void {
    this.shell.kill();
  }
}
