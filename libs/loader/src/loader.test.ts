import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { noteBytes } from '#libs/elf';
import { Loader, type LoadOptions, type StalledTask } from './index.js';

/**
 * The loader against a tree of files and programs of its own: what it makes of what the kernel says. That the kernel does say
 * so is proven where a real one runs (the pipeline test in the guest).
 */
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'loader-test-'));
  await write({ 'sys/kernel/livepatch/.keep': '' });
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function write(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

async function program(name: string, script: string): Promise<string> {
  await write({ [name]: `#!/bin/sh\ncd ${root}\n${script}\n` });
  await chmod(join(root, name), 0o755);
  return join(root, name);
}

/** An insmod after which the kernel shows `fixture`, replacing vmlinux's `f` (the 2nd of its name) and the module 8021q's `g`. */
async function loader(transition = 0, says = 'true'): Promise<Loader> {
  const folder = 'sys/kernel/livepatch/fixture';
  const insmod = await program(
    'insmod',
    `${says} || exit 1
     mkdir -p ${folder}/vmlinux/f,2 ${folder}/8021q/g,1
     echo 1 >${folder}/enabled; echo ${transition} >${folder}/transition
     echo 1 >${folder}/vmlinux/patched; echo 0 >${folder}/8021q/patched`,
  );
  return new Loader({ root, insmod, rmmod: await program('rmmod', `rm -r ${folder}`) });
}

const functions = [
  { object: 'vmlinux', symbol: 'f', sympos: 2 },
  { object: '8021q', symbol: 'g', sympos: 0 },
];
const quick: LoadOptions = { functions, transitionTimeoutMs: 400, stallAfterMs: 100 };
const patches = async () => (await readdir(join(root, 'sys/kernel/livepatch'))).filter((name) => name !== '.keep');

/** Lets the patch go, as the kernel does when the last task has left it. */
async function watchDisabled(): Promise<void> {
  const folder = join(root, 'sys/kernel/livepatch/fixture');
  for (;;) {
    if ((await readFile(join(folder, 'enabled'), 'utf8')).trim() === '0') return await rm(folder, { recursive: true });
    await new Promise((done) => setTimeout(done, 5));
  }
}

describe('a module that has to stay', () => {
  const staying = { ...quick, unload: false };

  it('is taken back but not unloaded, and only the next boot takes it in again', async () => {
    const fixture = await loader();
    await fixture.load('fixture.ko', 'fixture', staying);
    await write({ 'sys/module/fixture/initstate': 'live\n' });
    const disabled = watchDisabled();
    await expect(fixture.reverse('fixture', staying)).resolves.toMatchObject({ moduleMs: 0 });
    await disabled;
    await expect(fixture.load('fixture.ko', 'fixture', staying)).rejects.toMatchObject({ code: 'stays-loaded' });
  });
});

async function shown(loader: Loader, asked: Parameters<Loader['symbols']>[0]): Promise<object> {
  const counts = await loader.symbols(asked);
  return Object.fromEntries([...counts].map(([object, names]) => [object, Object.fromEntries(names)]));
}

const table = (...names: string[]) => names.map((name) => `ffffffffc0000000 t ${name}\t[8021q]\n`).join('');

describe('the kernel’s symbols', () => {
  it('are counted by object, with a module’s apart and what isn’t loaded left out', async () => {
    const table = [
      'ffffffff81000000 T f',
      'ffffffff81000010 t f',
      '0000000000000000 d g',
      'ffffffffc0000000 t f\t[8021q]',
    ];
    await write({ 'proc/kallsyms': `${table.join('\n')}\nno such line\n` });
    await write({ 'proc/modules': '8021q 40960 0 - Live 0xffffffffc0000000\n' });
    const asked = ['vmlinux', '8021q', 'none'].flatMap((object) =>
      ['f', 'g', 'h'].map((symbol) => ({ object, symbol })),
    );
    expect(await shown(new Loader({ root }), asked)).toEqual({ vmlinux: { f: 2, g: 1 }, '8021q': { f: 1 } });
  });

  it('are read once in a boot, and once more when a module that is asked for is another one than before', async () => {
    const loader = new Loader({ root });
    await write({ 'proc/kallsyms': `ffffffff81000000 T f\n${table('g')}`, 'proc/modules': '8021q 10 0 - Live 0x1\n' });
    const vmlinux = [{ object: 'vmlinux', symbol: 'f' }];
    const both = [...vmlinux, { object: '8021q', symbol: 'g' }, { object: '8021q', symbol: 'h' }];
    expect(await shown(loader, vmlinux)).toEqual({ vmlinux: { f: 1 } });
    expect(await shown(loader, both)).toEqual({ vmlinux: { f: 1 }, '8021q': { g: 1 } });
    await write({ 'proc/kallsyms': `ffffffff81000000 T f\n${table('h')}` });
    expect(await shown(loader, both)).toEqual({ vmlinux: { f: 1 }, '8021q': { g: 1 } });
    // How often it is in use says nothing of what it is.
    await write({ 'proc/modules': '8021q 10 3 - Live 0x1\n' });
    expect(await shown(loader, both)).toEqual({ vmlinux: { f: 1 }, '8021q': { g: 1 } });
    await write({ 'proc/modules': '8021q 10 0 - Live 0x2\n' });
    expect(await shown(loader, both)).toEqual({ vmlinux: { f: 1 }, '8021q': { h: 1 } });
    await write({ 'proc/modules': '' });
    expect(await shown(loader, both)).toEqual({ vmlinux: { f: 1 } });
  });

  it('are not read again where they were read ahead, until another module is asked for', async () => {
    const loader = new Loader({ root });
    await write({ 'proc/kallsyms': `ffffffff81000000 T f\n${table('g')}`, 'proc/modules': '8021q 10 0 - Live 0x1\n' });
    await loader.readSymbols();
    await rm(join(root, 'proc/kallsyms'));
    const asked = [
      { object: 'vmlinux', symbol: 'f' },
      { object: '8021q', symbol: 'g' },
    ];
    expect(await shown(loader, asked)).toEqual({ vmlinux: { f: 1 }, '8021q': { g: 1 } });
    await write({ 'proc/modules': '8021q 10 0 - Live 0x2\n' });
    await expect(loader.symbols(asked)).rejects.toMatchObject({ code: 'unreadable' });
  });

  it('can’t be told where there is no table', async () => {
    await expect(new Loader({ root }).symbols([{ object: 'vmlinux', symbol: 'f' }])).rejects.toMatchObject({
      code: 'unreadable',
    });
  });
});

describe('loading', () => {
  it('proves what the kernel replaced, and can be taken back', async () => {
    const fixture = await loader();
    await expect(fixture.load('fixture.ko', 'fixture', quick)).resolves.toEqual({
      moduleMs: expect.any(Number),
      transitionMs: expect.any(Number),
    });
    expect(await fixture.loaded()).toEqual([
      {
        module: 'fixture',
        enabled: true,
        inTransition: false,
        functions: [
          { object: '8021q', symbol: 'g', sympos: 1 },
          { object: 'vmlinux', symbol: 'f', sympos: 2 },
        ],
        patchedObjects: ['vmlinux'],
      },
    ]);
    await expect(fixture.load('fixture.ko', 'fixture', quick)).rejects.toMatchObject({ code: 'already-loaded' });
    await fixture.reverse('fixture', quick);
    expect(await patches()).toEqual([]);
    await expect(fixture.reverse('fixture', quick)).rejects.toMatchObject({ code: 'not-loaded' });
  });

  it('takes a patch back that replaced more, less or something else', async () => {
    const fixture = await loader();
    const [f, g] = functions as [LoadOptions['functions'][0], LoadOptions['functions'][0]];
    for (const wrong of [[f], [f, g, { ...f, symbol: 'h' }], [{ ...f, sympos: 0 }, g], [f, f, g]]) {
      const loading = fixture.load('fixture.ko', 'fixture', { ...quick, functions: wrong });
      await expect(loading).rejects.toMatchObject({ code: 'wrong-functions' });
      expect(await patches()).toEqual([]);
    }
  });

  it('takes a patch back where a loaded module did not get its functions', async () => {
    await write({ 'sys/module/8021q/initstate': 'live\n' });
    const fixture = await loader();
    await expect(fixture.load('fixture.ko', 'fixture', quick)).rejects.toMatchObject({ code: 'wrong-functions' });
    expect(await patches()).toEqual([]);
  });

  it('names the tasks that hold a transition, once before it gives up and once after', async () => {
    await write({
      'proc/2/task/2/patch_state': '1\n',
      'proc/7/task/7/patch_state': '1\n',
      'proc/7/task/9/patch_state': '0\n',
      'proc/7/task/9/comm': 'sleeper\n',
      'proc/7/task/9/stack': '[<0>] pipe_read+0x1/0x2\n[<0>] ksys_read+0x3/0x4\n',
      'proc/8/task/8/comm': 'gone meanwhile',
      'proc/self/task/1/patch_state': '0',
    });
    const fixture = await loader(1);
    const told: (readonly StalledTask[])[] = [];
    const loading = fixture.load('fixture.ko', 'fixture', { ...quick, onStall: (tasks) => told.push(tasks) });
    // The fake kernel never ends the way back either; it is the other tasks that hold that.
    const back = [2, 7].map((pid) => ({ pid, name: '', stack: [] }));
    await expect(loading).rejects.toMatchObject({ code: 'reverse-stalled', tasks: back });
    const sleeper = { pid: 9, name: 'sleeper', stack: ['pipe_read+0x1/0x2', 'ksys_read+0x3/0x4'] };
    expect(told).toEqual([[sleeper], back]);
  });

  it('needs live patching, and its programs', async () => {
    const options = { root, insmod: join(root, 'none') };
    await expect(new Loader(options).load('x.ko', 'x', quick)).rejects.toMatchObject({ code: 'program-missing' });
    await rm(join(root, 'sys'), { recursive: true });
    await expect(new Loader(options).load('x.ko', 'x', quick)).rejects.toMatchObject({ code: 'unsupported-kernel' });
  });
});

const refused = async (stderr: string) =>
  (await loader(0, `{ echo "${stderr}" >&2; false; }`)).load('fixture.ko', 'fixture', quick);

describe('a refusal', () => {
  it.each([
    ["insmod: can't insert 'x.ko': invalid module format", 'malformed-module'],
    ['insmod: ERROR: could not insert module x.ko: Invalid module format', 'malformed-module'],
    ['insmod: ERROR: could not insert module x.ko: Unknown symbol in module', 'missing-import'],
    ['insmod: ERROR: could not insert module x.ko: File exists', 'already-loaded'],
    ['insmod: ERROR: could not insert module x.ko: Key was rejected by service', 'signature-required'],
    ["insmod: can't insert 'x.ko': Operation not permitted", 'not-permitted'],
    ["insmod: can't insert 'x.ko': Device or resource busy", 'busy'],
    ["insmod: can't insert 'x.ko': invalid parameters", 'load-failed'],
    ['', 'load-failed'],
  ])('of insmod: %s', async (stderr, code) => {
    await expect(refused(stderr)).rejects.toMatchObject({ code });
    expect(await patches()).toEqual([]);
  });
});

describe('the running kernel', () => {
  const kernel = {
    'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_ID="12"\nID=debian\n',
    'proc/sys/kernel/osrelease': '6.1.0-1-amd64\n',
    'proc/version': 'Linux version 6.1.0-1-amd64 (d@e) (gcc-12) #1 SMP PREEMPT_DYNAMIC Debian 6.1.9-1 (2026-01-01)\n',
  };
  const notes = Buffer.concat([
    noteBytes({ owner: 'Linux', type: 0x100, description: Buffer.from([0, 0, 0, 0]) }),
    noteBytes({ owner: 'GNU', type: 3, description: Buffer.alloc(20, 0xab) }),
  ]);

  it('is told by its own files', async () => {
    await write({ ...kernel, 'sys/kernel/notes': notes });
    const loader = new Loader({ root });
    expect(await loader.runningKernel()).toEqual({
      distro: 'debian',
      major: '12',
      arch: 'x86_64',
      release: '6.1.0-1-amd64',
      buildId: 'ab'.repeat(20),
    });
    expect(await loader.vendorVersion()).toBe('6.1.9-1');
  });

  it.each([
    ['no notes', new Uint8Array()],
    ['a note that is cut', notes.subarray(0, notes.length - 4)],
    ['a note that claims 4 GB', Buffer.from('ffffffff0000000003000000', 'hex')],
    ['too many bytes', Buffer.alloc(100_000)],
  ])('is unreadable with %s', async (_what, bytes) => {
    await write({ ...kernel, 'sys/kernel/notes': bytes });
    await expect(new Loader({ root }).runningKernel()).rejects.toMatchObject({ code: 'unreadable' });
  });
});

describe('obstacles', () => {
  it('are found before anything is loaded, all at once', async () => {
    const loader = new Loader({ root });
    expect((await loader.obstacles()).map(({ code }) => code)).toContain('unsupported-kernel');
    await write({
      'proc/self/patch_state': '-1\n',
      'proc/sys/kernel/modules_disabled': '1\n',
      'sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
      'sys/module/module/parameters/sig_enforce': 'Y\n',
    });
    const codes = (await loader.obstacles()).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['not-permitted', 'lockdown', 'signature-required']));
    expect(codes).not.toContain('unsupported-kernel');
  });
});
