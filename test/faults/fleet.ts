import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '../../tools/demo/service-process.js';
import { type BrokerAccess, prepareBroker } from './broker.js';
import { Victim } from './victim.js';

export const stageNames = ['ingest', 'diff', 'sign', 'feed', 'catalog'] as const;
export type StageName = (typeof stageNames)[number];

/** How fast a stage starts is no promise: a busy machine takes minutes. */
const readyPatienceMs = 300_000;

/** The stages and their NATS server, each a process of its own on one data folder. */
export class Fleet {
  private constructor(
    readonly dataDir: string,
    readonly adminToken: string,
    readonly broker: BrokerAccess,
    readonly victims: readonly Victim[],
    private readonly urls: ReadonlyMap<StageName, string>,
  ) {}

  /** Starts all of it. @param distDir the compiled program */
  static async start(dataDir: string, distDir: string, stages: readonly StageName[]): Promise<Fleet> {
    const { url: natsUrl, access, victim } = await prepareBroker(dataDir);
    const adminToken = `sca_${randomBytes(24).toString('base64url')}`;
    const urls = new Map<StageName, string>();
    const victims = [victim];
    for (const name of stages) {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      urls.set(name, url);
      victims.push(
        new Victim({
          name,
          command: process.execPath,
          args: [join(distDir, 'apps', name, 'src/main.js')],
          env: {
            SPLICECAST_DATA: dataDir,
            SPLICECAST_PORT: String(port),
            SPLICECAST_ADMIN_TOKEN: adminToken,
            NATS_URL: natsUrl,
            DATABASE_URL: undefined,
            NO_COLOR: '1',
          },
          logFile: join(dataDir, `${name}.out`),
          isReady: () => isReady(url),
        }),
      );
    }
    const fleet = new Fleet(dataDir, adminToken, access, victims, urls);
    victim.start();
    await victim.untilReady(readyPatienceMs);
    for (const one of victims.slice(1)) one.start();
    await fleet.untilReady();
    return fleet;
  }

  runs(name: StageName): boolean {
    return this.urls.has(name);
  }

  url(name: StageName): string {
    const url = this.urls.get(name);
    if (url === undefined) throw new Error(`${name} does not run here`);
    return url;
  }

  victim(name: StageName): Victim {
    const victim = this.victims.find((one) => one.name === name);
    if (victim === undefined) throw new Error(`${name} does not run here`);
    return victim;
  }

  async untilReady(): Promise<void> {
    await Promise.all(this.victims.map((one) => one.untilReady(readyPatienceMs)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.victims.slice(1).map((one) => one.stop()));
    await this.victims[0]?.stop();
  }

  abandon(): void {
    for (const one of this.victims) one.abandon();
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}
