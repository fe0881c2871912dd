import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { controlText } from './control.js';

const run = promisify(execFile);
const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

let scratch: string;
beforeAll(async () => (scratch = await mkdtemp(join(tmpdir(), 'agent-package-'))));
afterAll(async () => await rm(scratch, { recursive: true, force: true }));

/** Builds the package as somebody with that umask would. @returns its path. */
async function build(umask: string): Promise<string> {
  const command = `umask ${umask}; exec "$0" "$1" --system-node --out "$2"`;
  const args = [
    '-c',
    command,
    process.execPath,
    join(project, 'dist/tools/agent-package/main.js'),
    join(scratch, umask),
  ];
  const env = { ...process.env, NODE_OPTIONS: '', SOURCE_DATE_EPOCH: '1700000000' };
  return (await run('sh', args, { env })).stdout.trim();
}

test('the package has the same bytes whoever builds it, and an agent in it that runs', async () => {
  const [one, other] = [await build('022'), await build('077')];
  expect((await readFile(one)).equals(await readFile(other))).toBe(true);

  const root = join(scratch, 'root');
  await run('dpkg-deb', ['-x', one, root]);
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, SPLICECAST_STATE: join(scratch, 'state') };
  const { stdout } = await run(join(root, 'usr/bin/splicecast'), ['uname', '--json'], { env });
  expect(JSON.parse(stdout)).toMatchObject({ schema: 1 });
  const { stdout: contents } = await run('dpkg-deb', ['-c', one]);
  expect(contents).toMatch(/-rw-r--r-- root\/root .* \.\/lib\/systemd\/system\/splicecast\.service\n/);
  // What only the service, the tests or a compiler need isn't brought to a machine.
  expect(contents).not.toMatch(/@nestjs|typeorm|sqlite|fixture|\.test\.|\.ts\n/);
});

test('the package asks for a node that is new enough, unless it brings its own', () => {
  const facts = { version: '1.2.3', sizeBytes: 2049 };
  expect(controlText({ ...facts, withNode: false })).toContain('Depends: kmod, nodejs (>= 20.19)\n');
  expect(controlText({ ...facts, withNode: true })).not.toContain('nodejs');
  expect(controlText({ ...facts, withNode: true })).toContain('Installed-Size: 3\n');
});
