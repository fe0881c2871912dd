import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sampleLog } from '../../apps/catalog/test/sample.js';
import { CatalogService } from '../../apps/catalog/test/service.js';
import { cleanUp } from '../../apps/catalog/test/stand.js';

const run = promisify(execFile);
const bin = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin');

let environment: NodeJS.ProcessEnv;

/** The program that an operator runs, against a service that listens. */
beforeAll(async () => {
  const service = await CatalogService.start();
  await service.append(sampleLog);
  await service.app.listen(0, '127.0.0.1');
  environment = {
    ...process.env,
    NODE_OPTIONS: '',
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    SPLICECAST_URL: await service.app.getUrl(),
    SPLICECAST_ADMIN_TOKEN: 'the-operators-own-token-0',
  };
});
afterAll(cleanUp);

/** What an operator types, and what comes of it. */
async function splicectl(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await run('splicectl', args, { env: environment })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** What bash would offer after these words; the last one is being written. */
async function completed(...words: string[]): Promise<string[]> {
  const script = `source <(splicectl completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _splicectl
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', script, 'bash', 'splicectl', ...words], { env: environment });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('the completion of bash', () => {
  it.each([
    [['mac'], ['machine']],
    [
      ['machine', 're'],
      ['release', 'retire'],
    ],
    [['machine', 'release', 'm1', '--rea'], ['--reason']],
    [
      ['machine', 'show', ''],
      ['m1', 'm2', 'm9'],
    ],
    [['machine', 'timeline', 'm9'], ['m9']],
    [
      ['license', 'amend', 'l1', '--tier', ''],
      ['canary', 'early', 'stable'],
    ],
    [['bundle', 'promote', '--tier', 'ca'], ['canary']],
    [['license', 'issue', '--customer', ''], ['acme']],
    [['completion', 'z'], ['zsh']],
    [['__'], []],
  ])('after %j', async (words, expected) => expect(await completed(...words)).toEqual(expected), 60_000);
});

describe('splicectl', () => {
  it('releases a machine, tells its history, and shows what was before', async () => {
    const released = await splicectl('machine', 'release', 'm1', '--reason', 'moved', '--json');
    expect([released.code, JSON.parse(released.stdout)]).toEqual([
      0,
      { schema: 1, machineId: 'm1', state: 'released' },
    ]);
    const { stdout } = await splicectl('machine', 'timeline', 'm1', '--filter', 'type=MachineReleased', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, items: [{ type: 'MachineReleased', actor: 'admin' }] });
    const before = await splicectl('machine', 'show', 'm1', '--as-of', String(sampleLog.length), '--json');
    expect(JSON.parse(before.stdout)).toMatchObject({ state: 'leased' });
    const sorted = await splicectl('machine', 'list', '--sort', '-hostname', '--limit', '1');
    expect(sorted.stdout).toContain('m1');
    expect(sorted.stderr).toContain('there is more');
  });

  it('goes on with the commits of a drop where a page ended', async () => {
    const first = await splicectl('drop', 'commits', 'd2', '--limit', '1', '--json');
    const { items, nextCursor } = JSON.parse(first.stdout);
    const next = await splicectl('drop', 'commits', 'd2', '--limit', '1', '--cursor', nextCursor);
    expect(next.code).toBe(0);
    expect(next.stdout).not.toContain(items[0].commit);
  });

  it('says by its exit code and in one line what did not go', async () => {
    for (const [args, message] of [
      [['machine', 'release', 'nobody', '--reason', 'x'], '404 Not found'],
      [['machine', 'retire', 'm1'], "required option '--reason <text>'"],
      [['license', 'amend', 'l1', '--reason', 'x'], '409'],
      [['machine', 'list', '--sort', 'colour'], '400'],
      [['token', 'rotate', 't1', '--overlap', 'abc'], '/overlapSec'],
      [['token', 'rotate', 't1', '--overlap', ''], '/overlapSec'],
      [['completion', 'fish'], 'no such shell'],
      [
        ['license', 'issue', '--customer', 'acme', '--plan', 'trial', '--distro', 'debian', '--seats', 'many'],
        '/seats',
      ],
    ] as const) {
      const { code, stderr } = await splicectl(...args);
      expect([args, code]).toEqual([args, 1]);
      expect(stderr).toContain(message);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });
});
