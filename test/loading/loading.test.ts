import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNotes } from '#libs/elf';
import { prepareShare } from '#libs/guest';
import type { HotPatch } from '#libs/hotpatch';
import { type FixName, fixes } from './fixes.js';
import { LiveKernel } from './live-kernel.js';
import { edited, makePatch } from './make-patch.js';
import { type OutsideModule, outsideModule } from './outside-module.js';
import { probe, warnLine } from './probe.js';
import { putSleepingCall, sleepingCallSays } from './sleeping-call.js';
import { type VendorKernel, vendorKernel } from './vendor-kernel.js';
import { withBrokenCrc, withOtherVermagic } from './spoiled.js';

/** Modules of the vendor's that the suite patches, and what they need. */
const shipped = ['drivers/net/dummy', 'net/llc/llc', 'net/802/stp', 'net/802/garp', 'net/802/mrp', 'net/8021q/8021q'];
const setUpMs = 480_000;

let scratch: string;
let kernel: VendorKernel;
let booting: Promise<LiveKernel> | undefined;
let live: LiveKernel;
let outside: OutsideModule;
let converted: HotPatch | undefined;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-loading-'));
  const share = join(scratch, 'share');
  await mkdir(share);
  kernel = await vendorKernel();
  await prepareShare({ dir: share });
  const put = async (name: string, bytes: Uint8Array) => await writeFile(join(share, `${name}.ko`), bytes);
  for (const path of shipped)
    await put(
      path.split('/').at(-1) ?? '',
      await readFile(join(kernel.profile.folder, 'modules/kernel', `${path}.ko`)),
    );
  booting = LiveKernel.boot({ ...kernel.guest, share, timeoutMs: setUpMs });
  booting.catch(() => undefined);
  await putSleepingCall(share);
  for (const [name, edits] of Object.entries(fixes)) {
    const made = await makePatch(kernel, name, edits, name === 'sc_all');
    const { module } = made;
    await put(name, module.bytes);
    if (name === 'sc_vmsplice') converted = made;
    if (name !== 'sc_one') continue;
    await put('sc_vermagic', withOtherVermagic(module.bytes));
    await put('sc_crc', withBrokenCrc(module.bytes));
  }
  outside = await outsideModule(kernel.profile, scratch);
  await put('outside', outside.ko);
  await put('sc_outside', outside.patch);
  live = await booting;
}, setUpMs);

afterAll(async () => {
  // Also after a set-up that failed half-way: a guest that nobody waits for would outlive the suite.
  await booting?.then(
    ({ shell }) => shell.kill(),
    () => undefined,
  );
  await rm(scratch, { recursive: true, force: true });
});

/** What a test may find in the log beyond the usual; it is empty at its start and its end. */
let expected: RegExp[] = [];
beforeEach(() => {
  expected = [];
});
afterEach(async () => await live.mustBeQuiet(...expected));

const load = async (name: FixName | 'sc_outside') => await live.load(name);
const remove = async (name: FixName | 'sc_outside') => await live.remove(name);
const loadModules = async (...names: string[]) => {
  for (const name of names) await live.sees(`insmod /share/${name}.ko`);
};
const unloadModules = async (...names: string[]) => {
  for (const name of names) await live.unload(name);
};
const version = async () => await live.sees('cat /proc/version');
const loadavg = async () => await live.sees('cat /proc/loadavg');
const uptime = async () => await live.sees('cat /proc/uptime');
const mtu = async () => {
  const text = await live.sees(
    'busybox ip link add d1 type dummy && cat /sys/class/net/d1/mtu; busybox ip link del d1',
  );
  return text.trim();
};
const inodeState = async () => (await live.sees('cat /proc/sys/fs/inode-state')).split(/\s+/)[2];
/** Reads a file under another name (comm), in a shell that does it by itself. */
const readAs = (name: string, path: string): string => `sh -c 'printf ${name} >/proc/self/comm; read line <${path}'`;

describe('new code', () => {
  beforeAll(async () => await load('sc_probe'));
  afterAll(async () => await live.takeBackOnly('sc_probe'));

  test('finds private, namespaced and per-CPU symbols of the kernel', async () => {
    expected = [/^sc_probe: once$/];
    const said = await version();
    expect(said).toContain(`Linux version ${kernel.profile.release}`);
    for (const line of ['seen 1', 'unexported 1', 'namespace -9', 'per-cpu 1']) expect(said).toContain(`\n${line}\n`);
    expect(said).not.toContain('own key on');
  });

  test('keeps its own data, keys and once-flags', async () => {
    const said = await version();
    expect(said).toContain('\nseen 2\n');
    expect(said).toContain('\nown key on\n');
  });

  test('calls new functions through tables and pointers, and hands out the old function’s address', async () => {
    const said = await version();
    expect(said).toContain('\ntable 30\n');
    expect(said).toContain('\nindirect 42\n');
    // %ps would say [sc_probe] behind an address in the module.
    expect(said).toMatch(/\npointer version_proc_show(?:\n|$)/);
  });

  test('has its faults fixed up and its alternatives applied', async () => {
    const said = await version();
    expect(said).toContain('\nfault 14\n');
    expect(said).toContain('\nalternative 2\n');
  });

  test('follows the kernel’s static keys', async () => {
    expect(await version()).not.toContain('kernel key on');
    await live.sees('echo 1 >/proc/sys/kernel/sched_schedstats');
    expect(await version()).toContain('\nkernel key on\n');
    await live.sees('echo 0 >/proc/sys/kernel/sched_schedstats');
    expect(await version()).not.toContain('kernel key on');
  });

  test('calls the kernel’s tracepoints, by static calls', async () => {
    const events = '/sys/kernel/tracing/events/task/task_rename/enable';
    await live.sees(`echo 1 >${events}; cat /proc/version >/dev/null; echo 0 >${events}`);
    expect(await live.sees('cat /sys/kernel/tracing/trace')).toContain('newcomm=sc-traced');
  });

  test('can be debugged dynamically', async () => {
    const control = '/sys/kernel/debug/dynamic_debug/control';
    expect(await live.sees(`grep sc_probe ${control}`)).toMatch(/fs\/proc\/version\.c:\d+ \[sc_probe\]\w+ =_ /);
    await live.sees(`echo 'module sc_probe +p' >${control}; cat /proc/version >/dev/null`);
    await live.sees(`echo 'module sc_probe -p' >${control}; cat /proc/version >/dev/null`);
    expect(await live.log()).toEqual([expect.stringMatching(/sc_probe: debug 7$/)]);
  });

  test('runs its cold part', async () => {
    await live.sees(readAs('sc-cold', '/proc/version'));
    expect(await live.log()).toEqual([expect.stringMatching(/sc_probe: cold$/)]);
  });

  test('has a stack that the kernel can read', async () => {
    await live.sees(`${readAs('sc-sleep', '/proc/version')} </dev/null >/dev/null 2>&1 &`);
    const find =
      'for i in $(seq 50); do p=$(grep -lx sc-sleep /proc/[0-9]*/comm) && break; sleep 0.1; done; p=${p%/comm}';
    const stack = await live.sees(`${find}; sleep 0.3; cat $p/stack; kill \${p#/proc/}`);
    expect(stack).toMatch(/version_proc_show\+0x\w+\/0x\w+ \[sc_probe\]/);
    expect(stack).toContain('seq_read_iter');
  });

  test('tells from outside what it is', async () => {
    const text = await live.sees('base64 /sys/module/sc_probe/notes/.note.splicecast');
    const [note] = readNotes(Buffer.from(text, 'base64'));
    expect({ ...note, description: Buffer.from(note?.description ?? []).toString() }).toEqual({
      owner: 'splicecast',
      type: 1,
      description: `id=fix-of-sc_probe\nkernel=${kernel.profile.buildId}\n`,
    });
  });
});

describe('a live patch', () => {
  afterEach(async () => await live.mustBeBare());

  test('goes on with the old function’s static local', async () => {
    expected = [/drop_caches: 4$/];
    await live.sees('echo 4 >/proc/sys/vm/drop_caches');
    expect(await live.complaints(...expected)).toEqual([]);
    await load('sc_quiet');
    await live.sees('echo 1 >/proc/sys/vm/drop_caches');
    expected = [/sc_quiet: quiet is 4$/];
    await remove('sc_quiet');
    await live.sees('echo 1 >/proc/sys/vm/drop_caches');
  });

  test('reads and writes private data, per-CPU too', async () => {
    expect(await inodeState()).toBe('0');
    await load('sc_inodes');
    expect(await inodeState()).toBe('77');
    await remove('sc_inodes');
  });

  test('replaces the one that is meant of equal names', async () => {
    const seen = async () => (await live.sees('cat /proc/consoles | wc -l')).trim();
    expect(kernel.profile.symbols('c_start').length).toBeGreaterThan(2);
    expect(await seen()).not.toBe('0');
    await load('sc_consoles');
    expect(await seen()).toBe('0');
    expect(await live.sees('cat /proc/cpuinfo')).toContain('processor');
    expect(await live.sees('cat /proc/crypto')).toContain('name');
    await remove('sc_consoles');
    expect(await seen()).not.toBe('0');
  });

  test('is refused for another kernel, and when it is there already', async () => {
    expected = [
      /version magic .* should be/,
      /disagrees about version of symbol klp_enable_patch/,
      /Unknown symbol klp_enable_patch \(err -22\)/,
    ];
    expect(await live.tries('insmod /share/sc_vermagic.ko')).toMatch(/failed: .*invalid module format/);
    expect(await live.tries('insmod /share/sc_crc.ko')).toMatch(/failed: .*[Ii]nvalid/);
    await load('sc_one');
    expect(await live.tries('insmod /share/sc_one.ko')).toMatch(/failed: .*File exists/);
    expect(await live.tries('rmmod sc_one')).toMatch(/failed: .*(?:busy|temporarily unavailable)/);
    await remove('sc_one');
  });
});

describe('several live patches', () => {
  afterEach(async () => await live.mustBeBare());

  test('of different functions go one by one, in either order', async () => {
    for (const order of [['sc_one', 'sc_uptime'] as const, ['sc_uptime', 'sc_one'] as const]) {
      await load('sc_one');
      await load('sc_uptime');
      expect(await live.patches()).toEqual(['sc_one', 'sc_uptime']);
      expect([await loadavg(), await uptime()].join()).toMatch(/loadavg one[^]*uptime patched/);
      const [first, second] = order;
      await remove(first);
      expect((await loadavg()).includes('loadavg one')).toBe(first !== 'sc_one');
      expect((await uptime()).includes('uptime patched')).toBe(first !== 'sc_uptime');
      await remove(second);
    }
    expect([await loadavg(), await uptime()].join()).not.toMatch(/one|patched/);
  });

  test('of one function: the latest runs, whichever goes', async () => {
    await load('sc_one');
    await load('sc_two');
    expect(await loadavg()).toContain('loadavg two');
    await remove('sc_two');
    expect(await loadavg()).toContain('loadavg one');
    await load('sc_two');
    await remove('sc_one');
    expect(await loadavg()).toContain('loadavg two');
    await remove('sc_two');
    expect(await loadavg()).not.toContain('loadavg');
  });

  test('make room for a cumulative one, and can be unloaded then', async () => {
    await load('sc_one');
    await load('sc_uptime');
    await load('sc_all');
    await live.gone('sc_one');
    await live.gone('sc_uptime');
    expect(await live.patches()).toEqual(['sc_all']);
    expect([await loadavg(), await uptime()].join()).toMatch(/loadavg all[^]*uptime patched/);
    await unloadModules('sc_one', 'sc_uptime');
    expect(await live.state('sc_all', 'vmlinux/patched')).toBe('1');
    await remove('sc_all');
    expect([await loadavg(), await uptime()].join()).not.toMatch(/all|patched/);
  });
});

describe('a module’s function', () => {
  afterEach(async () => await live.mustBeBare());

  test('is patched when its module is there', async () => {
    await loadModules('dummy');
    await live.sees('busybox ip link del dummy0');
    expect(await mtu()).toBe('1500');
    await load('sc_dummy');
    expect(await live.state('sc_dummy', 'dummy/patched')).toBe('1');
    expect(await mtu()).toBe('1400');
    // By a static key in the fix's own new data.
    expect(await mtu()).toBe('1401');
    await remove('sc_dummy');
    expect(await mtu()).toBe('1500');
    await unloadModules('dummy');
  });

  test('and the kernel’s in one patch: each when it can be; a module that comes twice is kept out, as was told', async () => {
    expected = [
      /Skipping invalid relocation target, existing value is nonzero/,
      /failed to initialize patch 'sc_both' for module 'dummy'/,
      /patch 'sc_both' failed for module 'dummy', refusing to load module 'dummy'/,
    ];
    await load('sc_both');
    expect(await live.state('sc_both', 'vmlinux/patched')).toBe('1');
    expect(await live.state('sc_both', 'dummy/patched')).toBe('0');
    expect(await live.sees('cat /proc/loadavg')).toContain('loadavg both');
    await loadModules('dummy');
    expect(await live.state('sc_both', 'dummy/patched')).toBe('1');
    // The module has made a first device itself.
    expect(await mtu()).toBe('1401');
    await unloadModules('dummy');
    expect(await live.state('sc_both', 'dummy/patched')).toBe('0');
    expect(await live.tries('insmod /share/dummy.ko')).toMatch(/failed: .*invalid module format/);
    await remove('sc_both');
    await loadModules('dummy');
    expect(await mtu()).toBe('1500');
    await unloadModules('dummy');
  });

  test('uses what another module exports', async () => {
    expected = [/^8021q: /];
    await load('sc_gvrp');
    await loadModules('llc', 'stp', 'garp', 'mrp', '8021q');
    expect(await live.state('sc_gvrp', '8021q/patched')).toBe('1');
    await live.sees('busybox ip link add link eth0 name v5 type vlan id 5 gvrp on && ifconfig v5 up');
    expect((await live.log()).filter((line) => line.startsWith('sc_gvrp'))).toEqual(['sc_gvrp: joins 5']);
    await live.sees('busybox ip link del v5');
    await remove('sc_gvrp');
    await unloadModules('8021q', 'mrp', 'garp', 'stp', 'llc');
  });

  test('of a module that isn’t the vendor’s: the one that is meant of equal names', async () => {
    expect(outside.sympos).toBe(2);
    const values = async () => await live.sees('cd /sys/module/outside/parameters; cat first second; cd /');
    await loadModules('outside');
    expect(await values()).toBe('first 12\nsecond 22');
    await load('sc_outside');
    expect(await live.sees('ls -1 /sys/kernel/livepatch/sc_outside/outside')).toMatch(/^answer[^,\s]*,2$/m);
    expect(await values()).toBe('first 12\nsecond 220');
    await remove('sc_outside');
    expect(await values()).toBe('first 12\nsecond 22');
    await unloadModules('outside');
  });
});

describe('a task that sleeps in the old function', () => {
  afterEach(async () => await live.mustBeBare());

  test('holds up the transition, is named, and lets go: of the patch, or of the function', async () => {
    expected = [/^sc_pipe: \d+$/];
    const pipe = "sh -c 'echo $$ >/tmp/writer; exec sleep 1000' | sh -c 'echo $$ >/tmp/reader; exec cat >/dev/null'";
    await live.sees(`(${pipe}) </dev/null >/dev/null 2>&1 & sleep 1`);
    const loaded = async () => await live.sees('insmod /share/sc_pipe.ko; sleep 2');
    await loaded();
    expect(await live.state('sc_pipe', 'transition')).toBe('1');
    const [reader, ...others] = (await live.sees('grep -lx 0 /proc/[0-9]*/patch_state')).split('\n');
    expect(others).toEqual([]);
    expect(reader).toBe(`/proc/${(await live.sees('cat /tmp/reader')).trim()}/patch_state`);
    expect(await live.sees('cat /proc/$(cat /tmp/reader)/stack')).toContain('pipe_read+');
    // Back, without the task having moved.
    await live.sees('echo 0 >/sys/kernel/livepatch/sc_pipe/enabled');
    await live.gone('sc_pipe');
    await live.unload('sc_pipe');
    await loaded();
    expect(await live.state('sc_pipe', 'transition')).toBe('1');
    await live.sees('kill $(cat /tmp/reader)');
    await live.settled('sc_pipe');
    expect(await live.state('sc_pipe', 'enabled')).toBe('1');
    await live.sees('kill $(cat /tmp/writer)');
    await remove('sc_pipe');
  });
});

describe('the body of a system call', () => {
  test('is patched through its entries', () => {
    const functions = converted?.functions.map(({ symbol }) => symbol).sort();
    expect(functions).toEqual(['__ia32_sys_vmsplice', '__x64_sys_vmsplice']);
    expect(converted?.warnings).toContainEqual(
      expect.objectContaining({ code: 'syscall-converted', symbol: '__do_sys_vmsplice' }),
    );
  });

  test('comes while a task sleeps in the old one, and isn’t unloaded under one in the new', async () => {
    const said = await live.sees('sh /share/vmsplice.sh </dev/null 2>&1');
    expect(said.split('\n').filter((line) => line !== '')).toEqual(sleepingCallSays);
    await live.mustBeBare();
  });
});

/** Of each request over 9P that was traced: is it new code that tells of it? */
const tracedTags = async () => {
  const said = await live.sees(
    'echo >/sys/kernel/tracing/trace; ls /share/nowhere; grep -c . /sys/kernel/tracing/trace; grep -o "tag  [0-9]*" /sys/kernel/tracing/trace; true',
  );
  return [...said.matchAll(/tag {2}(\d+)/g)].map(([, tag]) => Number(tag) >= 100_000);
};

describe('a module’s own tracepoint', () => {
  const events = '/sys/kernel/tracing/events/9p/9p_client_req/enable';
  test('is followed by new code, whether it was on before or comes on and goes off', async () => {
    expect(await tracedTags()).toEqual([]);
    await live.sees(`echo 1 >${events}`);
    expect(new Set(await tracedTags())).toEqual(new Set([false]));
    await load('sc_traced');
    expect(new Set(await tracedTags())).toEqual(new Set([true]));
    await live.sees(`echo 0 >${events}`);
    expect(await tracedTags()).toEqual([]);
    await live.sees(`echo 1 >${events}`);
    expect(new Set(await tracedTags())).toEqual(new Set([true]));
    await remove('sc_traced');
    expect(new Set(await tracedTags())).toEqual(new Set([false]));
    await live.sees(`echo 0 >${events}`);
  });
});

describe('at the end', () => {
  test('the kernel is tainted by modules of ours, and by nothing else', async () => {
    const flags = Number(await live.sees('cat /proc/sys/kernel/tainted'));
    const [outOfTree, unsigned, livepatch] = [12, 13, 15].map((bit) => 1 << bit);
    expect(flags).toBe((outOfTree ?? 0) | (unsigned ?? 0) | (livepatch ?? 0));
  });

  test('a warning of new code names its file, line and module', async () => {
    await load('sc_probe_again');
    await live.log();
    await live.sees(readAs('sc-warn', '/proc/version'));
    const log = (await live.log()).join('\n');
    const line = warnLine(await edited(kernel.source, probe));
    expect(log).toMatch(
      new RegExp(
        `WARNING: CPU: 0 PID: \\d+ at fs/proc/version\\.c:${line} version_proc_show\\+0x\\w+/0x\\w+ \\[sc_probe_again\\]`,
      ),
    );
    expect(log).toContain('sc_probe: warned');
    await live.takeBackOnly('sc_probe_again');
  });
});
