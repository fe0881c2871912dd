import { offlineRoleOf, type OfflineRole, type Standing, standingsOf } from '#libs/tuf';
import { printJson, printLines } from '../output.js';

/** How a file of a ceremony stands: for `status`, `sign` and a program's eyes. */
export interface FileStanding {
  readonly file: string;
  readonly role: OfflineRole;
  readonly version: number;
  readonly expiresAt: string;
  readonly daysLeft: number;
  /** Whose signatures are asked for, and whose there are. */
  readonly groups: readonly Standing[];
  readonly complete: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;

/** @param root the root before, or the one that governs targets; without it targets can't be judged, and aren't called complete. */
export function fileStanding(
  file: string,
  bytes: Uint8Array,
  root: Uint8Array | undefined,
  nowMs: number,
): FileStanding {
  const { type, version, expiresMs } = offlineRoleOf(bytes);
  const groups = standingsOf(bytes, root);
  return {
    file,
    role: type,
    version,
    expiresAt: new Date(expiresMs).toISOString(),
    daysLeft: Math.floor((expiresMs - nowMs) / dayMs),
    groups,
    complete: groups.length > 0 && groups.every(({ signed, threshold }) => signed.length >= threshold),
  };
}

/** For people, a line for each group of keys. */
function standingLines({ file, role, version, expiresAt, daysLeft, groups, complete }: FileStanding): string[] {
  const head = `${file}: ${role} ${version}, until ${expiresAt.slice(0, 10)} (${daysLeft} days), ${complete ? 'complete' : 'NOT complete'}`;
  const lines = groups.map(
    ({ of, threshold, signed, missing }) =>
      `  keys of ${of}: ${signed.length} of ${threshold} needed; signed by ${short(signed)}; may still sign: ${short(missing)}`,
  );
  if (groups.length === 0) lines.push('  give --root, the root that governs it, to see whose signatures count');
  return [head, ...lines];
}

function short(ids: readonly string[]): string {
  return ids.map((id) => id.slice(0, 12)).join(' ') || 'nobody';
}

/** Prints them: as JSON, or for people. */
export function showStandings(standings: readonly FileStanding[], json?: boolean): void {
  if (json) printJson({ files: standings });
  else printLines(...standings.flatMap(standingLines));
}
