import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const timeoutMs = 30 * 60_000;

/** What score.py prints; percentages. */
export interface Score {
  readonly exact: boolean;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly commits_true: number;
  readonly recovered_patch_id: number | null;
  readonly commits_all_lines_right: number | null;
  readonly decoys_claimed: number;
  readonly order_same_file: number | null;
  readonly vendor_kept_in_remainder: number | null;
  readonly structural: number | null;
}

/** Scores a repository against the truth of a case. */
export async function scoreOf(tools: string, folder: string, repository: string): Promise<Score> {
  const args = [join(tools, 'score.py'), folder, repository];
  const { stdout } = await promisify(execFile)('python3', args, { timeout: timeoutMs, maxBuffer: 2 ** 26 });
  return JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1)) as Score;
}
