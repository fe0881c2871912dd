import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

it('docs/walkthrough.md is what happens', async () => {
  // In a process of its own: the script moves its clock.
  const script = join(root, 'dist', 'test', 'walkthrough', 'main.js');
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await run(process.execPath, [script, '--print'], { env, maxBuffer: 1024 * 1024 });
  // Where it differs for a reason: npm run transcript, and read what changed.
  expect(stdout).toBe(await readFile(join(root, 'docs', 'walkthrough.md'), 'utf8'));
}, 600_000);
