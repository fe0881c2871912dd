/** What is asked of the guest's first process. */
export interface InitOptions {
  /** Module file names below /modules, in load order. */
  readonly modules: readonly string[];
  /** Stands before the job's exit status on the last line: unguessable, so that no output is mistaken for it. */
  readonly exitMark: string;
  /** The guest powers itself off after this long, so that it ends even if its host's program was killed. */
  readonly lifetimeSec: number;
}

/** Host and guest addresses of QEMU's user network. The host's 127.0.0.1 is `host` in the guest. */
export const guestNetwork = { guest: '10.0.2.15', host: '10.0.2.2' } as const;

/** Folders of the share that the guest mounts over, where they exist: what a program in a chroot there may rely on. */
export const shareMounts = {
  proc: 'proc',
  sys: 'sys',
  dev: 'dev',
  tmp: 'tmp',
  run: 'run',
  state: 'var/lib/splicecast',
} as const;

/** Begins the line that says that the job starts now. */
export const upLine = 'guest: up after';

/**
 * The guest's /init: brings up what the job may rely on, runs /job, tells its exit status, powers off. Nothing in it may
 * end early: an /init that exits is a kernel panic.
 */
export function initScript({ modules, exitMark, lifetimeSec }: InitOptions): string {
  const { proc, sys, dev, tmp, run, state } = shareMounts;
  return `#!/bin/sh
export PATH=/bin HOME=/ LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
stty -echo 2>/dev/null
# Only an oops or a panic may break into the job's lines.
dmesg -n 1
# The firmware leaves its last line open.
echo
(sleep ${lifetimeSec}; echo "guest: its time is over"; poweroff -f) </dev/null &
fail() { echo "guest: $1"; echo "${exitMark} 125"; poweroff -f; sleep 60; }
for module in ${modules.join(' ')}; do insmod /modules/$module || fail "insmod $module failed"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /share || fail "the share can't be mounted"
ifconfig lo 127.0.0.1 up
for net in /sys/class/net/*; do
  name=\${net##*/}
  [ "$name" = lo ] || ifconfig "$name" ${guestNetwork.guest} netmask 255.255.255.0 up || fail "no network"
done
route add default gw ${guestNetwork.host} || fail "no route to the host"
hostname guest
if [ -d /share/${proc} ]; then
  mount -t proc proc /share/${proc} && mount -t sysfs sysfs /share/${sys} && mount -t devtmpfs dev /share/${dev} &&
    mount -t tmpfs tmp /share/${tmp} && mount -t tmpfs run /share/${run} && mount -t tmpfs state /share/${state} ||
    fail "the share has no mount points"
fi
echo "${upLine} $(cut -d ' ' -f 1 /proc/uptime) s, Linux $(uname -r)"
sh /job
echo "${exitMark} $?"
poweroff -f
sleep 60
`;
}
