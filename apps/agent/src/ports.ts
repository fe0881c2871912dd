import type { EnrolRequest, LeaseRequest, LeaseResponse, ReportRequest, UpdatesResponse } from '#libs/contracts';
import type { Offer } from './domain/plan.js';

/** Updates as of an entity tag. */
export interface TaggedUpdates {
  readonly etag: string | undefined;
  readonly updates: UpdatesResponse;
}

/** The feed, as this machine sees it. Every method throws AgentError: `service-unavailable` when it is worth another try. */
export abstract class FeedService {
  abstract enrol(request: EnrolRequest): Promise<LeaseResponse>;
  abstract renew(machineId: string, request: LeaseRequest): Promise<LeaseResponse>;
  /** @returns undefined if nothing changed since `etag`. */
  abstract updates(machineId: string, lease: string, etag: string | undefined): Promise<TaggedUpdates | undefined>;
  /** Downloads into `file`, going on where an earlier try stopped; the caller checks the digest. */
  abstract download(offer: Offer, lease: string, file: string): Promise<void>;
  abstract report(machineId: string, report: ReportRequest): Promise<void>;
}
