import type { AggregateId, EventData, KernelPackage, Reason } from '#libs/contracts';
import type { BuildOutcome, LevelOutcome } from '#libs/hotpatch';
import type { KernelProfile } from '#libs/kernelimage';
import type { Selected } from './domain/level.js';

/** Kernel profiles by kernel. A profile follows from the vendor's packages: it is a cache, made again where it is missing. */
export abstract class Profiles {
  /** Opens a kernel's profile, or imports it. @throws KernelImageError; BlobError where a package is gone. */
  abstract open(kernelId: AggregateId, packages: readonly KernelPackage[]): Promise<KernelProfile>;
}

type Received = EventData<'KernelReceived'>;

export type ImportOutcome =
  | {
      readonly outcome: 'imported';
      readonly data: KernelProfile['data'];
      /** The profile's folder, absolute. */
      readonly folder: string;
    }
  | { readonly outcome: 'rejected'; readonly reason: Reason };

/** A fix, the kernel that it is for, and the series that it is a commit of, if it is of one that begins with the kernel's source. */
export interface FixJob {
  readonly proposed: EventData<'FixProposed'>;
  readonly received: Received;
  readonly split?: Pick<EventData<'DropSplit'>, 'head' | 'onto'> | undefined;
}

/** Fixes that can go together into one module. */
export interface LevelJob {
  readonly proposed: EventData<'LevelProposed'>;
  readonly received: Received;
  readonly selected: Selected;
}

/**
 * Does what the stage takes minutes of processor time for.
 *
 * All of it may throw TreeError, BlobError, KernelImageError and ThreadError, by name and code alone.
 */
export abstract class Builder {
  abstract importKernel(received: Received): Promise<ImportOutcome>;
  abstract buildFix(job: FixJob): Promise<BuildOutcome>;
  abstract buildLevel(job: LevelJob): Promise<LevelOutcome>;
}
