import { setTimeout as wait } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock, HintAccess } from '#libs/service';
import { LiveIndex } from './projections/live-index.js';

const retryMs = 500;
/** What ends a machine's right to listen before its lease does. */
const ending: ReadonlySet<string> = new Set(['LicenseRevoked', 'MachineReleased', 'MachineRetired']);

/**
 * Ends the connections of machines whose licence is revoked, or that gave up their seat. What the NATS servers are told is the whole list, as the log has it: at the
 * start, and at each revocation, by every feed. So none is lost where a feed was away, and the last one to speak knows all.
 */
@Injectable()
export class CutOffs implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new Logger(CutOffs.name);
  private readonly stopping = new AbortController();
  private isStarted = false;
  private wanted = 1;
  private done = 0;
  private telling: Promise<void> | undefined;

  constructor(
    private readonly live: LiveIndex,
    private readonly access: HintAccess,
    private readonly clock: Clock,
  ) {
    live.follow(({ fact }) => {
      if (!ending.has(fact.type)) return;
      this.wanted += 1;
      this.tell();
    });
  }

  /** Not before: an index that is half folded doesn't know all. */
  onApplicationBootstrap(): void {
    this.isStarted = true;
    this.telling = undefined;
    this.tell();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.telling;
  }

  private tell(): void {
    if (this.isStarted) this.telling ??= this.tellAll().finally(() => (this.telling = undefined));
  }

  private async tellAll(): Promise<void> {
    for (let failures = 0; this.done < this.wanted && !this.stopping.signal.aborted;) {
      const { wanted } = this;
      try {
        await this.access.cutOff(this.live.current().cutOff(this.clock.now()));
        this.done = wanted;
        failures = 0;
      } catch (error) {
        failures += 1;
        // Said once: it is tried until it is done.
        if (failures === 1) this.log.error(`revoked machines are not cut off yet: ${String(error)}`);
        await wait(retryMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }
}
