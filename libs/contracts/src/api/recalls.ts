import { z } from 'zod';
import { bundleRecalled } from '../events/bundle.js';

/** The target under which the signed metadata has the list of recalls (role `recall`). It is there from the first publication on. */
export const recallListPath = 'recall/recalls.json';
/** Of the list: some 10,000 recalls. */
export const maxRecallListBytes = 2 * 1024 * 1024;

/** What was withdrawn, oldest first: never apply it again, and take it back unless it says `keep`. The list only grows. */
export const recallListSchema = z.object({
  schema: z.literal(1),
  recalls: z.array(bundleRecalled.extend({ at: z.iso.datetime() })).max(100_000),
});
export type RecallList = z.infer<typeof recallListSchema>;

/** `debian-x86_64`: what the signed metadata calls a distribution on an architecture. */
export function channelOf({ distro, arch }: { readonly distro: string; readonly arch: string }): string {
  return `${distro}-${arch}`;
}

/** The name of a bundle's target, after `<channel>/<kernel release>/`. */
export function bundleTargetName(bundleId: string): string {
  return `${bundleId}.tar.gz`;
}
