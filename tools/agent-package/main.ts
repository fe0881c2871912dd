// `npm run agent-package [-- --out FOLDER] [-- --system-node]`: the agent as a Debian package.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { distDir } from '../demo/service-process.js';
import { stageAgent } from './stage.js';

const run = promisify(execFile);
const project = dirname(distDir);

/** Seconds since 1970 that all files carry, so that the same commit makes the same bytes (reproducible-builds.org). */
async function epoch(): Promise<string> {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return given;
  const { stdout } = await run('git', ['-C', project, 'log', '-1', '--format=%ct']).catch(() => ({ stdout: '' }));
  if (stdout.trim() === '')
    throw new Error('no git checkout: set SOURCE_DATE_EPOCH to the time that files should carry');
  return stdout.trim();
}

try {
  const { values } = parseArgs({
    options: { out: { type: 'string', default: join(project, 'data/packages') }, 'system-node': { type: 'boolean' } },
  });
  const out = resolve(values.out);
  const tree = await mkdtemp(join(tmpdir(), 'splicecast-agent-'));
  try {
    await stageAgent({ project, to: tree, node: values['system-node'] === true ? undefined : process.execPath });
    await mkdir(out, { recursive: true });
    const env = { ...process.env, SOURCE_DATE_EPOCH: await epoch() };
    const { stdout } = await run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z6', '--build', tree, out], { env });
    process.stdout.write(
      `${stdout
        .trim()
        .replace(/.* in '/, '')
        .replace(/'\.$/, '')}\n`,
    );
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
} catch (error) {
  process.stderr.write(`agent-package: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
