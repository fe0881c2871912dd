import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** vmsplice(2) with flags that don't exist, and with a pipe that is full until a child reads it, once a file is there. */
const program = `#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>
static char page[4096] __attribute__((aligned(4096)));
int main(int argc, char **argv) {
  struct iovec one = {page, sizeof page};
  int ends[2];
  if (pipe(ends)) return 1;
  if (argc < 2) return vmsplice(ends[1], &one, 1, 0x1000) < 0 && printf("errno %d\\n", errno) ? 0 : 1;
  if (fork() == 0) {
    while (access(argv[1], F_OK)) usleep(100000);
    for (int i = 0; i < 17; i++) read(ends[0], page, sizeof page);
    return 0;
  }
  for (int i = 0; i < 16; i++) vmsplice(ends[1], &one, 1, 0);
  printf("woke with %zd\\n", vmsplice(ends[1], &one, 1, 0));
  return 0;
}
`;

/** Loads and reverses the patch while a task sleeps in the body of the system call: in the old one, then in the new. */
const job = `patch=/sys/kernel/livepatch/sc_vmsplice
settled() { for i in $(seq 60); do [ "$(cat $patch/transition 2>/dev/null)" = 1 ] || break; sleep 1; done; }
asleep() { for i in $(seq 100); do grep -q "$2" /proc/$1/stack && break; sleep 0.1; done; stack $1; }
stack() { grep -o '__do_sys_vmsplice\\|sc_vmsplice' /proc/$1/stack | head -1; }
/share/vmsplice
/share/vmsplice /tmp/first & sleeper=$!
echo "asleep in $(asleep $sleeper __do_sys_vmsplice)"
insmod /share/sc_vmsplice.ko || exit 1
settled
echo "loaded: transition $(cat $patch/transition), still in $(stack $sleeper)"
/share/vmsplice
touch /tmp/first
wait $sleeper
/share/vmsplice /tmp/second & sleeper=$!
echo "asleep in $(asleep $sleeper sc_vmsplice)"
echo 0 >$patch/enabled
sleep 3
echo "reversing: transition $(cat $patch/transition), still in $(stack $sleeper)"
rmmod sc_vmsplice 2>/dev/null || echo "not unloaded under it"
touch /tmp/second
wait $sleeper
settled
for i in $(seq 50); do rmmod sc_vmsplice 2>/dev/null && echo unloaded && break; sleep 0.1; done
/share/vmsplice
`;

/** What the job says where old calls end in old code (docs/adr/0008). */
export const sleepingCallSays = [
  'errno 22',
  'asleep in __do_sys_vmsplice',
  // The kernel doesn't see it there, and it runs on to its end in the old code.
  'loaded: transition 0, still in __do_sys_vmsplice',
  'errno 18',
  'woke with 4096',
  'asleep in sc_vmsplice',
  'reversing: transition 1, still in sc_vmsplice',
  'not unloaded under it',
  'woke with 4096',
  'unloaded',
  'errno 22',
];

/** Puts what the guest runs as `sh /share/vmsplice.sh` beside the module `sc_vmsplice.ko`. */
export async function putSleepingCall(share: string): Promise<void> {
  const source = join(share, 'vmsplice.c');
  await writeFile(source, program);
  await run('gcc-12', ['-static', '-O1', '-o', join(share, 'vmsplice'), source]);
  await writeFile(join(share, 'vmsplice.sh'), job);
}
