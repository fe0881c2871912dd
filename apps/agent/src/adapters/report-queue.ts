import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReportRequest, reportRequestSchema } from '#libs/contracts';
import { AgentError } from '../errors.js';
import { JsonFile } from './json-file.js';

export type ReportFact = ReportRequest['facts'][number];

const fileName = /^(\d{15}-\d{6})-[0-9a-f-]{36}\.json$/;
/** A service that is away for months must not fill the disk. */
const maxWaiting = 5_000;

/** Reports that the service hasn't taken yet, one file each, in their order. */
export class ReportQueue {
  private count = 0;

  constructor(
    private readonly folder: string,
    private readonly now: () => Date,
  ) {}

  async add(...facts: ReportFact[]): Promise<void> {
    const reportId = randomUUID();
    const order = `${String(this.now().getTime()).padStart(15, '0')}-${String(this.count++).padStart(6, '0')}`;
    await this.file(`${order}-${reportId}.json`).write({ reportId, facts });
    const names = await this.waiting();
    for (const name of names.slice(0, Math.max(0, names.length - maxWaiting))) await this.drop(name);
  }

  /** File names, oldest first. */
  async waiting(): Promise<string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => fileName.test(name)).sort();
  }

  /**
   * Sends what waits, oldest first, until the service has trouble. A report that it refuses for good is dropped and named, so that
   * the others get through.
   * @throws AgentError `service-unavailable`, `license-refused`.
   */
  async flush(send: (report: ReportRequest) => Promise<void>, onRefused: (error: AgentError) => void): Promise<void> {
    for (const name of await this.waiting()) {
      const report = await this.file(name)
        .read()
        .catch(() => undefined);
      try {
        if (report !== undefined) await send(report);
      } catch (error) {
        if (!(error instanceof AgentError) || error.code !== 'service-refused') throw error;
        onRefused(error);
      }
      await this.drop(name);
    }
  }

  private async drop(name: string): Promise<void> {
    await rm(join(this.folder, name), { force: true });
  }

  private file(name: string): JsonFile<ReportRequest> {
    return new JsonFile(join(this.folder, name), reportRequestSchema, 0o600);
  }
}
