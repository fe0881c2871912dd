import { GuestShell } from '../../tools/demo/guest-shell.js';

/** What the kernel says when live patches and modules come and go as they should. */
const usual = [
  /livepatch: (?:enabling|applying|'\w+': (?:starting|completing|canceling|reversing|(?:un)?patching|(?:un)?patched|initializing)|reverting|tainting)/,
  /livepatch: '\w+': (?:patching|unpatching) complete/,
  /tainting kernel with TAINT_LIVEPATCH/,
  /module verification failed: signature and\/or required key missing/,
  /livepatch: signaling remaining tasks/,
  /loading out-of-tree module taints kernel/,
  // On a host that is busy with other things an emulated clock is late.
  /^(?:clocksource|hrtimer): /,
  /^random: crng init done/,
  // The network card of the guest comes up while the first test is on.
  /^e1000: eth0 NIC Link is Up|^IPv6: ADDRCONF\(NETDEV_CHANGE\): eth0/,
];

/** A running stock kernel, through its shell: its livepatch folder, its log. */
export class LiveKernel {
  private constructor(readonly shell: GuestShell) {}

  static async boot(options: Parameters<typeof GuestShell.boot>[0]): Promise<LiveKernel> {
    const live = new LiveKernel(await GuestShell.boot(options));
    await live.shell.must('mount -t debugfs debugfs /sys/kernel/debug');
    await live.shell.must('mount -t tracefs tracefs /sys/kernel/tracing');
    await live.log();
    return live;
  }

  async sees(command: string): Promise<string> {
    return await this.shell.must(command);
  }

  /** What a command says, whatever its exit status. */
  async tries(command: string): Promise<string> {
    const { output, code } = await this.shell.run(`${command} 2>&1`);
    return code === 0 ? output : `failed: ${output}`;
  }

  /** Loads a live patch and waits until every task runs the new code. */
  async load(name: string): Promise<void> {
    await this.shell.must(`insmod /share/${name}.ko`);
    await this.settled(name);
  }

  /** Disables it and takes it out. */
  async remove(name: string): Promise<void> {
    await this.shell.must(`echo 0 >${folderOf(name)}/enabled`);
    await this.gone(name);
    await this.unload(name);
  }

  /** Takes a patch back of which the kernel may keep an address: its module has no exit function, and stays. */
  async takeBackOnly(name: string): Promise<void> {
    await this.shell.must(`echo 0 >${folderOf(name)}/enabled`);
    await this.gone(name);
    await this.shell.must(`sleep 1; ! rmmod ${name} 2>/dev/null && lsmod | grep -q '^${name} '`);
  }

  /** Takes a module out; the kernel drops its last reference to a disabled patch a little later. */
  async unload(name: string): Promise<void> {
    await this.shell.must(
      `for i in $(seq 50); do rmmod ${name} 2>/dev/null && break; sleep 0.1; done; ! lsmod | grep -q '^${name} '`,
    );
  }

  async settled(name: string): Promise<void> {
    const file = `${folderOf(name)}/transition`;
    await this.shell.must(
      `for i in $(seq 300); do [ "$(cat ${file})" = 0 ] && break; sleep 0.1; done; [ "$(cat ${file})" = 0 ]`,
    );
  }

  async gone(name: string): Promise<void> {
    const folder = folderOf(name);
    await this.shell.must(`for i in $(seq 300); do [ -d ${folder} ] || break; sleep 0.1; done; ! [ -d ${folder} ]`);
  }

  /** A file of a patch's folder, e.g. `enabled` or `vmlinux/patched`. */
  async state(name: string, file: string): Promise<string> {
    return (await this.shell.must(`cat ${folderOf(name)}/${file}`)).trim();
  }

  /** The live patches that are there. */
  async patches(): Promise<readonly string[]> {
    return (await this.shell.must('ls /sys/kernel/livepatch')).split(/\s+/).filter(Boolean).sort();
  }

  /** What the kernel has logged since it was last asked, without time stamps. */
  async log(): Promise<readonly string[]> {
    const lines = (await this.shell.must('dmesg -c')).split('\n').filter((line) => line !== '');
    return lines.map((line) => line.replace(/^<\d+>|^\[[ .\d]+\] /g, '').replace(/^\[[ .\d]+\] /, ''));
  }

  /** What of that is neither usual nor wanted. */
  async complaints(...wanted: readonly RegExp[]): Promise<readonly string[]> {
    return (await this.log()).filter((line) => ![...usual, ...wanted].some((one) => one.test(line)));
  }

  /** @throws Error with what the log has that is neither usual nor wanted. */
  async mustBeQuiet(...wanted: readonly RegExp[]): Promise<void> {
    const lines = await this.complaints(...wanted);
    if (lines.length > 0) throw new Error(`the kernel complains:\n${lines.join('\n')}`);
  }

  /** @throws Error if a live patch is left. */
  async mustBeBare(): Promise<void> {
    const left = await this.patches();
    if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
  }
}

function folderOf(name: string): string {
  return `/sys/kernel/livepatch/${name}`;
}
