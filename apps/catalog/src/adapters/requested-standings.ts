import { Injectable } from '@nestjs/common';
import { type Standing, type StandingRequest, standingSchema } from '#libs/licensing';
import { Problem } from '#libs/service';
import { RequestError, Requests } from '#libs/transport';
import { StandingSource } from '../ports.js';

/** Asks the feed stage, which decides on leases. */
@Injectable()
export class RequestedStandings extends StandingSource {
  constructor(private readonly requests: Requests) {
    super();
  }

  async of(request: StandingRequest): Promise<Standing> {
    try {
      return standingSchema.parse(await this.requests.request('feed.standing', request));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      throw new Problem({
        status: 503,
        code: 'feed-unavailable',
        title: 'Nobody knows now who has which seat',
        detail: 'the feed stage doesn’t answer: try again soon, or ask without a machine',
      });
    }
  }
}
