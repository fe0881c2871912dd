import type {
  EnrolRequest,
  Hint,
  HintsResponse,
  LeaseRequest,
  LeaseResponse,
  ReportRequest,
  UpdatePreference,
  UpdatesResponse,
} from '#libs/contracts';
import type { Offer } from './domain/plan.js';

/** Updates as of an entity tag. */
export interface TaggedUpdates {
  readonly etag: string | undefined;
  readonly updates: UpdatesResponse;
}

/** What a long poll asks for. */
export interface AskedHints {
  /** Absent: from now on. */
  readonly since?: number;
  /** 0 to 60. */
  readonly waitSec: number;
}

/** `position`: to be asked since the next time. Without a hint: the stream stands. */
export interface StreamedHint {
  readonly position: number;
  readonly hint?: Hint;
}

/** The feed, as this machine sees it. Every method throws AgentError: `service-unavailable` when it is worth another try. */
export abstract class FeedService {
  abstract enrol(request: EnrolRequest): Promise<LeaseResponse>;
  abstract renew(machineId: string, request: LeaseRequest): Promise<LeaseResponse>;
  /** @returns undefined if nothing changed since `etag`. */
  abstract updates(
    machineId: string,
    etag: string | undefined,
    prefers?: UpdatePreference,
  ): Promise<TaggedUpdates | undefined>;
  /** Downloads into `file`, going on where an earlier try stopped; the caller checks the digest. */
  abstract download(offer: Offer, lease: string, file: string): Promise<void>;
  /** Hints since a position, answered as soon as there are some, or after `waitSec`. */
  abstract hints(machineId: string, asked: AskedHints, signal: AbortSignal): Promise<HintsResponse>;
  /** The same as server-sent events, until it ends or breaks. */
  abstract hintStream(machineId: string, since: number | undefined, signal: AbortSignal): AsyncIterable<StreamedHint>;
  abstract report(machineId: string, report: ReportRequest): Promise<void>;
}
