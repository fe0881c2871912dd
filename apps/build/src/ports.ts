import type { AggregateId, KernelPackage } from '#libs/contracts';
import type { KernelProfile } from '#libs/kernelimage';

/** Kernel profiles by kernel. A profile follows from the vendor's packages: it is a cache, made again where it is missing. */
export abstract class Profiles {
  /** Opens a kernel's profile, or imports it. @throws KernelImageError; BlobError where a package is gone. */
  abstract open(kernelId: AggregateId, packages: readonly KernelPackage[]): Promise<KernelProfile>;
}
