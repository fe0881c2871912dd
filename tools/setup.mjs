// Brings a fresh machine to where the other commands can run: npm packages from the lock, and Debian's packages. It is plain
// JavaScript on Node's own modules because it runs before anything else is there. A second run finds all in place.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What each Debian package is needed for, known by a program (or file) that it brings. */
const systemPackages = [
  { name: 'nats-server', marks: ['nats-server', '/usr/sbin/nats-server'], use: 'the event log' },
  { name: 'qemu-system-x86', marks: ['qemu-system-x86_64'], use: 'the guest machine' },
  { name: 'busybox-static', marks: ['/bin/busybox', '/usr/bin/busybox'], use: 'the guest machine' },
  { name: 'gcc-12', marks: ['gcc-12'], use: 'compiling kernel objects as Debian does' },
  { name: 'g++', marks: ['g++'], use: 'compiling sqlite3 where no prebuilt binary can be had' },
  { name: 'make', marks: ['make'], use: 'reading the kernel’s Makefiles' },
  { name: 'binutils', marks: ['readelf'], use: 'assembling kernel objects' },
  { name: 'libelf1', marks: ['/usr/lib/x86_64-linux-gnu/libelf.so.1'], use: 'objtool' },
  { name: 'python3', marks: ['python3'], use: 'node-gyp' },
  { name: 'opensc', marks: ['pkcs11-tool'], use: 'keys in tokens' },
  { name: 'softhsm2', marks: ['softhsm2-util'], use: 'trying keys in tokens' },
  { name: 'git', marks: ['git'], use: 'source trees' },
  { name: 'xz-utils', marks: ['xz'], use: 'reading packages' },
  { name: 'zstd', marks: ['zstd'], use: 'reading packages' },
  { name: 'cpio', marks: ['cpio'], use: 'reading packages' },
  { name: 'postgresql-15', marks: ['/usr/lib/postgresql/15/bin/initdb'], use: 'trying the catalog on PostgreSQL' },
  { name: 'kmod', marks: ['insmod', '/sbin/insmod'], use: 'loading modules' },
];

function has(program) {
  const places = program.startsWith('/')
    ? [program]
    : [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].map((folder) => join(folder, program));
  return places.some((place) => {
    try {
      accessSync(place, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  });
  if (error !== undefined || status !== 0) {
    say(`\`${command} ${args.join(' ')}\` failed${error ? `: ${error.message}` : ` with exit code ${status}`}`);
    process.exit(1);
  }
}

/** The words to put before a command that needs root; undefined if this user can't have it without a password. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

function installSystemPackages() {
  const missing = systemPackages.filter(({ marks }) => !marks.some(has));
  // Looking versions up needs apt's lists, which a fresh machine may not have yet.
  const lists = spawnSync('apt-cache', ['madison', 'nats-server'], { encoding: 'utf8' });
  if (lists.error !== undefined) {
    if (missing.length === 0) return;
    say(`this is no Debian machine: install ${missing.map(({ name }) => name).join(', ')} by its own means`);
    process.exit(1);
  }
  const listsMissing = !/\S/.test(lists.stdout ?? '');
  if (missing.length === 0 && !listsMissing) return;
  const names = missing.map(({ name }) => name);
  for (const { name, use } of missing) say(`needs ${name} (${use})`);
  const sudo = privilege();
  if (sudo === undefined) {
    const install = names.length === 0 ? '' : ` && sudo apt-get install -y --no-install-recommends ${names.join(' ')}`;
    say(`run this once, then try again:\n\n  sudo apt-get update${install}\n`);
    process.exit(1);
  }
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  const as = (...args) => run([...sudo, ...args][0], [...sudo, ...args].slice(1), quiet);
  as('apt-get', '-q', 'update');
  if (names.length > 0) as('apt-get', '-qq', 'install', '-y', '--no-install-recommends', ...names);
}

function installNodePackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.splicecast-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say(
    'installing npm packages from the lock (sqlite3 compiles where its prebuilt binary can’t be fetched: some minutes)',
  );
  // node-gyp compiles file by file unless it is told otherwise.
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { JOBS: 'max' });
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  say(`Node 20 or newer is needed; this is ${process.version}`);
  process.exit(1);
}
installSystemPackages();
installNodePackages();
if (process.argv.includes('--build')) {
  say('compiling');
  run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json']);
}
