import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const count = z.number().int().nonnegative();

/** What a probe in the guest saw at one moment. */
export const probeSchema = z.object({
  /** The canary's line is in /proc/version. */
  patched: z.boolean(),
  uptimeSec: z.number().nonnegative(),
  /** The kernel's own id of this boot. */
  bootId: z.string(),
});
export type Probe = z.infer<typeof probeSchema>;

/** `data/demo/report.json`. Programs may rely on it: a change of meaning is a new `schema`. */
export const demoReportSchema = z.object({
  schema: z.literal(1),
  ok: z.boolean(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  versions: z.object({
    splicecast: z.string(),
    /** What the machine runs, and the sources it was built from. */
    release: z.string(),
    from: z.string(),
    /** Where the fixes come from. */
    to: z.string(),
    nats: z.string(),
    qemu: z.string(),
  }),
  counts: z.object({
    files: count,
    commits: count,
    attributed: count,
    remainders: count,
    fixes: z.object({ proposed: count, built: count, refused: count }),
    applied: count,
    held: count,
  }),
  fixes: z.array(
    z.object({
      fixId: z.string(),
      subject: z.string(),
      state: z.string(),
      cves: z.array(z.string()),
      functions: z.array(z.string()),
      reasons: z.array(z.object({ code: z.string(), reason: z.string() }).loose()),
    }),
  ),
  timingsMs: z.record(z.string(), count),
  probe: z.object({ before: probeSchema, after: probeSchema, reversed: probeSchema }),
  uptime: z.object({ beforeSec: z.number(), afterSec: z.number(), sameBoot: z.boolean() }),
  machine: z.object({ machineId: z.string(), effectiveKernel: z.string(), cvesFixedLive: z.array(z.string()) }),
});
export type DemoReport = z.infer<typeof demoReportSchema>;

/** Writes the report whole or not at all. */
export async function writeReport(file: string, report: DemoReport): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(demoReportSchema.parse(report), null, 2)}\n`);
  await rename(`${file}.new`, file);
}
