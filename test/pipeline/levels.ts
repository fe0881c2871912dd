import { z } from 'zod';
import type { ServiceClient } from '#libs/client';
import { reasonSchema } from '#libs/contracts';

/** A fix of a function that the test's drops don't change, as a patch of its own. */
export const cmdline = {
  path: 'fs/proc/cmdline.c',
  subject: 'proc: cmdline_proc_show() says that it was patched',
  sees: 'splicecast-test: cmdline',
} as const;

/** Another fix of the same line: each is a live patch by itself, and both together are none. */
export const rival = {
  subject: 'proc: cmdline_proc_show() says something else',
  sees: 'splicecast-test: rival',
} as const;

/** Makes a patch of that function for the vendor's source. @throws Error if the function isn't there as it was. */
export function cmdlinePatch(source: string, { sees }: { readonly sees: string }): string {
  const lines = source.split('\n');
  const at = lines.indexOf("\tseq_putc(m, '\\n');");
  if (at < 2) throw new Error(`${cmdline.path} has no place for the test's line`);
  const [before, after] = [lines.slice(at - 2, at + 1), lines.slice(at + 1, at + 3)];
  return [
    `diff --git a/${cmdline.path} b/${cmdline.path}`,
    `--- a/${cmdline.path}`,
    `+++ b/${cmdline.path}`,
    `@@ -${at - 1},${before.length + after.length} +${at - 1},${before.length + after.length + 1} @@`,
    ...before.map((line) => ` ${line}`),
    `+\tseq_puts(m, "${sees}\\n");`,
    ...after.map((line) => ` ${line}`),
    '',
  ].join('\n');
}

const levelSchema = z.object({
  levelId: z.string(),
  level: z.int(),
  state: z.string(),
  fixIds: z.array(z.string()),
  functions: z.int().optional(),
  leftOut: z.array(z.object({ fixId: z.string(), reasons: z.array(reasonSchema) })).optional(),
  reasons: z.array(reasonSchema).optional(),
  conflicts: z.array(z.object({ fixId: z.string(), reasons: z.array(reasonSchema) })).optional(),
  bundleIds: z.array(z.string()),
});
export type BuiltLevel = z.infer<typeof levelSchema> & { readonly bundleId: string };

interface LevelRequest {
  readonly kernelId: string;
  readonly fixIds: readonly string[];
  readonly leaveOut?: boolean;
}

/** Has a level proposed, and waits until it is refused. */
export async function refusedLevel(client: ServiceClient, request: LevelRequest): Promise<z.infer<typeof levelSchema>> {
  const { levelId } = await client.post('/v1/levels', request, z.object({ levelId: z.string() }));
  return await client.until(`level ${levelId} to be refused`, 180_000, async () => {
    const level = await client.find(`/v1/levels/${levelId}`, levelSchema);
    if (level?.state === 'built') throw new Error(`level ${levelId} was built`);
    return level?.state === 'refused' ? level : undefined;
  });
}

/** Has a level of these fixes built and signed. @throws Error if it is refused. */
export async function signedLevel(client: ServiceClient, request: LevelRequest): Promise<BuiltLevel> {
  const { levelId } = await client.post('/v1/levels', request, z.object({ levelId: z.string() }));
  return await client.until(`level ${levelId} to be signed`, 180_000, async () => {
    const level = await client.find(`/v1/levels/${levelId}`, levelSchema);
    if (level?.state === 'refused') throw new Error(`level refused: ${JSON.stringify(level.reasons)}`);
    const bundle = await client.find(`/v1/bundles/${level?.bundleIds[0] ?? 'none'}`, z.object({ state: z.string() }));
    if (level === undefined || bundle === undefined || bundle.state === 'assembled') return undefined;
    return { ...level, bundleId: level.bundleIds[0] ?? '' };
  });
}

const updatesSchema = z.object({ updates: z.array(z.object({ bundleId: z.string(), state: z.string() })) });

/** Waits until the service has heard this of each bundle. */
export async function reported(
  client: ServiceClient,
  machineId: string,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  let seen = '';
  await client
    .until('the machine’s reports', 120_000, async () => {
      const { updates } = await client.get(`/v1/machines/${machineId}`, updatesSchema);
      seen = JSON.stringify(updates.map(({ bundleId, state }) => `${bundleId} ${state}`));
      const states = new Map(updates.map(({ bundleId, state }) => [bundleId, state]));
      return Object.entries(wanted).every(([bundleId, state]) => states.get(bundleId) === state) || undefined;
    })
    .catch((error: unknown) => {
      throw new Error(`${String(error)}; wanted ${JSON.stringify(wanted)}, heard ${seen}`);
    });
}

/** The live patches among the modules that are loaded. */
export function livePatchesIn(procModules: string): readonly string[] {
  return procModules
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith('splicecast_'))
    .sort();
}
