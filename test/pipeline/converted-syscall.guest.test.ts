import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { download, findKernelStep } from '#libs/apt';
import { bootGuest, type GuestKernel, kernelOfPackage } from '#libs/guest';
import { buildFix, type HotPatch } from '#libs/hotpatch';
import { changedTree, folderTree } from '#libs/kbuild';
import { importKernel } from '#libs/kernelimage';
import { unpackSubset } from './vendor-subset.js';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cacheDir = process.env['SPLICECAST_CACHE'] ?? join(project, 'data', 'cache');

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
const job = `patch=/sys/kernel/livepatch/converted
settled() { for i in $(seq 60); do [ "$(cat $patch/transition 2>/dev/null)" = 1 ] || break; sleep 1; done; }
stack() { grep -o '__do_sys_vmsplice\\|converted' /proc/$1/stack | head -1; }
/share/vmsplice
/share/vmsplice /tmp/first & sleeper=$!
sleep 2
echo "asleep in $(stack $sleeper)"
insmod /share/converted.ko || exit 1
settled
echo "loaded: transition $(cat $patch/transition), still in $(stack $sleeper)"
/share/vmsplice
touch /tmp/first
wait $sleeper
/share/vmsplice /tmp/second & sleeper=$!
sleep 2
echo "asleep in $(stack $sleeper)"
echo 0 >$patch/enabled
sleep 3
echo "reversing: transition $(cat $patch/transition), still in $(stack $sleeper)"
rmmod converted 2>/dev/null || echo "not unloaded under it"
touch /tmp/second
wait $sleeper
settled
rmmod converted && echo unloaded
/share/vmsplice
dmesg | grep -E 'BUG|WARNING|Oops' || echo "no complaints"
`;

let scratch: string;
let kernel: GuestKernel;
let built: HotPatch;

/** Gives vmsplice's unknown flags another error, in a body that is no function that can be redirected. */
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-syscall-'));
  const step = await findKernelStep('6.1');
  const [source, image, ...headers] = await Promise.all(
    [step.from, step.image, ...step.headers].map((one) => download(one, cacheDir)),
  );
  if (source === undefined || image === undefined) throw new Error('the archive gave no source or image');
  kernel = await kernelOfPackage(image.file);
  const profile = await importKernel({
    image: image.file,
    headers: headers.map(({ file }) => file),
    out: join(scratch, 'profile'),
  });
  const base = folderTree(await unpackSubset(source, cacheDir));
  const path = 'fs/splice.c';
  const before = (await base.read(path))?.toString('latin1') ?? '';
  const after = before.replace(/(SYSCALL_DEFINE4\(vmsplice,[^}]*?return -)EINVAL/, '$1EXDEV');
  const fix = {
    base,
    patched: changedTree(base, new Map([[path, Buffer.from(after, 'latin1')]])),
    changes: [{ path, kind: 'modified' }] as const,
  };
  const outcome = await buildFix({ profile, fix, moduleName: 'converted', replace: false });
  if (outcome.outcome !== 'built') throw new Error(JSON.stringify(outcome.reasons));
  built = outcome;
}, 600_000);

afterAll(async () => await rm(scratch, { recursive: true, force: true }));

test('the body of a system call is patched through its entries', () => {
  expect(built.functions.map(({ symbol }) => symbol).sort()).toEqual(['__ia32_sys_vmsplice', '__x64_sys_vmsplice']);
  expect(built.warnings).toContainEqual(
    expect.objectContaining({ code: 'syscall-converted', symbol: '__do_sys_vmsplice' }),
  );
});

test('it loads while a task sleeps in the old body, and isn’t unloaded under one in the new', async () => {
  const share = join(scratch, 'share');
  await mkdir(share);
  await writeFile(join(share, 'converted.ko'), built.module.bytes);
  await writeFile(join(scratch, 'vmsplice.c'), program);
  await promisify(execFile)('gcc-12', ['-static', '-O1', '-o', join(share, 'vmsplice'), join(scratch, 'vmsplice.c')]);
  const guest = await bootGuest({ ...kernel, share, script: job, memoryMb: 128, timeoutMs: 240_000 });
  const { lines } = await guest.exited;
  const from = lines.findIndex((line) => line.startsWith('guest: up')) + 1;
  expect(lines.slice(from, -1)).toEqual([
    'errno 22',
    'asleep in __do_sys_vmsplice',
    // The kernel doesn't see it there, and it runs on to its end in the old code.
    'loaded: transition 0, still in __do_sys_vmsplice',
    'errno 18',
    'woke with 4096',
    'asleep in converted',
    'reversing: transition 1, still in converted',
    'not unloaded under it',
    'woke with 4096',
    'unloaded',
    'errno 22',
    'no complaints',
  ]);
}, 300_000);
