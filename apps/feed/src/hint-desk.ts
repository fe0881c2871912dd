import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { HintAccess, Metrics, Problem } from '#libs/service';
import { LiveIndex } from './projections/live-index.js';
import type { News } from './projections/news-board.js';

/** Who waits for news over HTTP. */
export interface Waiting {
  readonly machineId: string;
  readonly transport: 'sse' | 'long-poll';
  readonly subject: string;
  /** Of a machine without a lease that holds: recalls reach it all the same. */
  readonly recallsOnly: boolean;
  readonly onNews: (hint: News['hint']) => void;
  /** It is to hear no more: its right has changed, or it waits somewhere else. */
  readonly onEnd: (why: 'changed' | 'replaced' | 'stopped') => void;
}

/** About 20 kB each at worst; past it machines are asked to poll. */
const maxWaiting = 20_000;

/** Machines that wait for news over HTTP, each once. */
@Injectable()
export class HintDesk implements OnModuleDestroy {
  private readonly waiting = new Map<string, Waiting>();
  private readonly bySubject = new Map<string, Set<Waiting>>();

  constructor(
    private readonly live: LiveIndex,
    private readonly metrics: Metrics,
    access: HintAccess,
  ) {
    live.onNews((news) => this.tell(news));
    live.follow(({ fact }) => {
      if (fact.type === 'LicenseRevoked') this.endAll(({ licenseId }) => licenseId === fact.data.licenseId);
      else if (fact.type === 'MachineReleased' || fact.type === 'MachineRetired' || fact.type === 'MachineEnrolled') {
        this.waiting.get(fact.data.machineId)?.onEnd('changed');
      }
    });
    for (const transport of ['sse', 'long-poll'] as const) {
      metrics.watch({
        name: `agents_waiting_${transport.replace('-', '_')}`,
        help: `Machines that wait for news by ${transport} at this process`,
        read: () => [...this.waiting.values()].filter((one) => one.transport === transport).length,
      });
    }
    metrics.watch({
      name: 'agents_connected_nats',
      help: 'Connections of the machines’ account on the NATS servers, the publishers of the services among them',
      read: async () => (await access.connected()) ?? Number.NaN,
    });
  }

  onModuleDestroy(): void {
    for (const one of this.waiting.values()) one.onEnd('stopped');
  }

  /** What such a machine was told since a position. */
  since({ subject, recallsOnly }: Pick<Waiting, 'subject' | 'recallsOnly'>, position: number): readonly News['hint'][] {
    const told = this.live.current().news.since(subject, position, maxHints);
    return recallsOnly ? told.filter(({ action }) => action === 'recalled') : told;
  }

  /** Lets a machine wait, in the place of where it waited before: two at once are one machine twice. @returns what ends it. */
  wait(one: Waiting): () => void {
    if (this.waiting.size >= maxWaiting) {
      throw new Problem({ status: 503, code: 'busy', title: 'Too many machines wait here: ask now and then instead' });
    }
    const before = this.waiting.get(one.machineId);
    if (before !== undefined) {
      this.metrics.refused('hints', [{ code: 'replaced' }]);
      this.leave(before);
      before.onEnd('replaced');
    }
    this.waiting.set(one.machineId, one);
    this.bySubject.set(one.subject, (this.bySubject.get(one.subject) ?? new Set()).add(one));
    return () => this.leave(one);
  }

  private leave(one: Waiting): void {
    if (this.waiting.get(one.machineId) === one) this.waiting.delete(one.machineId);
    const others = this.bySubject.get(one.subject);
    others?.delete(one);
    if (others?.size === 0) this.bySubject.delete(one.subject);
  }

  private tell({ subject, hint }: News): void {
    for (const one of this.bySubject.get(subject) ?? []) {
      if (!one.recallsOnly || hint.action === 'recalled') one.onNews(hint);
    }
  }

  private endAll(concerns: (machine: { readonly licenseId: string }) => boolean): void {
    for (const one of this.waiting.values()) {
      const machine = this.live.folded.machine(one.machineId);
      if (machine !== undefined && concerns(machine)) one.onEnd('changed');
    }
  }
}

/** Of one answer. */
export const maxHints = 100;
