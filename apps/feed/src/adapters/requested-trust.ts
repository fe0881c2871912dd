import { Injectable } from '@nestjs/common';
import { type TrustKeys, trustKeysSchema } from '#libs/contracts';
import { Clock, Problem } from '#libs/service';
import { RequestError, Requests } from '#libs/transport';
import { TrustSource } from '../ports.js';

/** Keys change rarely: a new one is known to the feed within this time. */
const freshMs = 60_000;

/** Asks sign for its public keys, and keeps the last answer for when it doesn't answer. */
@Injectable()
export class RequestedTrust extends TrustSource {
  private known: { readonly keys: TrustKeys; readonly askedMs: number } | undefined;
  private asking: Promise<TrustKeys> | undefined;

  constructor(
    private readonly requests: Requests,
    private readonly clock: Clock,
  ) {
    super();
  }

  async keys(): Promise<TrustKeys> {
    const nowMs = this.clock.now().getTime();
    if (this.known !== undefined && Math.abs(nowMs - this.known.askedMs) < freshMs) return this.known.keys;
    // All requests that come meanwhile wait for the same answer.
    this.asking ??= this.ask(nowMs).finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(askedMs: number): Promise<TrustKeys> {
    try {
      const keys = trustKeysSchema.parse(await this.requests.request('sign.keys', {}));
      this.known = { keys, askedMs };
      return keys;
    } catch (error) {
      if (this.known !== undefined) return this.known.keys;
      if (!(error instanceof RequestError)) throw error;
      throw new Problem({
        status: 503,
        code: 'trust-unknown',
        title: 'The signing keys are not known yet: try again soon',
      });
    }
  }
}
