import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { hashOf, IndexOfTokens, type Principal } from '#libs/access';
import { EventStore, type Subscription } from '#libs/eventstore';
import { AdminToken } from '../admin-token.js';
import { Clock } from '../clock.js';
import { Problem } from '../problem.js';
import { rootId } from './request-context.js';

/** How long after its start a process may not have heard of every token yet. */
const startingMs = 3_000;

/** Knows the operators' tokens as the log has them: what another stage issued or revoked counts here within moments. */
@Injectable()
export class LiveTokens implements OnModuleInit, OnModuleDestroy {
  private readonly log = new Logger('access');
  private readonly index = new IndexOfTokens();
  private readonly startedMs = performance.now();
  private subscription: Subscription | undefined;
  private failed = false;

  constructor(
    private readonly root: AdminToken,
    private readonly events: EventStore,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.subscription = this.events.subscribe({ from: 1, category: 'access' }, async ({ events }) => {
      for (const { fact } of events) this.index.apply(fact);
    });
    this.subscription.closed.catch((error: unknown) => {
      this.failed = true;
      this.log.error(`tokens are no longer followed, only the service's own is taken: ${String(error)}`);
    });
  }

  async onModuleDestroy(): Promise<void> {
    await this.subscription?.stop();
  }

  /** Whose secret it is; undefined: nobody's. @throws Problem 503 while that can't be told */
  find(secret: string): Principal | undefined {
    if (this.root.matches(secret)) return { tokenId: rootId, role: 'admin' };
    // A revocation that isn't heard of must not keep a door open.
    if (this.failed) throw unsure();
    const found = this.index.find(hashOf(secret), this.clock.now());
    if (found === undefined && performance.now() - this.startedMs < startingMs && secret.startsWith('sct_')) {
      throw unsure();
    }
    return found;
  }
}

function unsure(): Problem {
  return new Problem({
    status: 503,
    code: 'tokens-unknown',
    title: 'The tokens are not known here now: try again soon',
  });
}
