import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { PublicRepositories } from '#libs/trees';

/** A full disk, for one, may have room again then. */
const retryMs = 3_600_000;

/** Has repositories packed for those who clone, in the background: one at a time, and whenever one has something left to clear away. */
@Injectable()
export class Packing implements OnModuleDestroy {
  private readonly log = new Logger('redpatch');
  private readonly stopping = new AbortController();
  private readonly due = new Set<string>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private working: Promise<void> | undefined;

  constructor(private readonly repositories: PublicRepositories) {}

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    for (const timer of this.timers.values()) clearTimeout(timer);
    await this.working;
  }

  /** Says that a repository was changed. */
  ask(product: string): void {
    clearTimeout(this.timers.get(product));
    this.timers.delete(product);
    this.due.add(product);
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  private async work(): Promise<void> {
    for (const product of this.due) {
      if (this.stopping.signal.aborted) return;
      this.due.delete(product);
      const againMs = await this.pack(product);
      if (againMs === undefined || this.stopping.signal.aborted) continue;
      this.timers.set(product, setTimeout(() => this.ask(product), againMs).unref());
    }
  }

  private async pack(product: string): Promise<number | undefined> {
    try {
      return await this.repositories.pack(product, this.stopping.signal);
    } catch (error) {
      if (this.stopping.signal.aborted) return undefined;
      const message = error instanceof Error ? error.message : String(error);
      this.log.warn(`${product}.git can be cloned, but takes longer than it need: it was not packed: ${message}`);
      return retryMs;
    }
  }
}
