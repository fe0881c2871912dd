import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootGuest, type GuestKernel, packagedKernel, prepareShare } from './index.js';

const cache = process.env['SPLICECAST_CACHE'] ?? 'data/cache';

/** A stock Debian kernel, booted for real. Needs its package: it fails, and says how to get it, where there is none. */
describe('a guest', () => {
  let stock: GuestKernel;
  let share: string;

  beforeAll(async () => {
    stock = await packagedKernel(cache);
    share = await mkdtemp(join(tmpdir(), 'guest-test-'));
    await prepareShare({ dir: share });
    await writeFile(join(share, 'note'), 'from the host');
  }, 300_000);

  afterAll(async () => {
    await rm(share, { recursive: true, force: true });
  });

  const boot = async (script: string, timeoutMs = 90_000) => bootGuest({ ...stock, share, script, timeoutMs });

  it('sees its share, runs its host’s node in it, hears its host and tells the job’s exit status', async () => {
    const guest = await boot(
      `cat /share/note; echo; touch /share/note 2>/dev/null || echo read-only
       chroot /share /usr/bin/node -p '"node on " + require("os").release()'
       read word; echo "heard $word"; exit 3`,
    );
    // Sent before anybody can read it.
    guest.send('hello\n');
    await guest.waitFor(/^node on/);
    const { code, lines } = await guest.exited;
    expect(code).toBe(3);
    expect(lines).toEqual(
      expect.arrayContaining(['from the host', 'read-only', `node on ${stock.release}`, 'heard hello']),
    );
  }, 300_000);

  it('that panics, hangs or is killed ends in an error that says which', async () => {
    const panicking = await boot('echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 60');
    await expect(panicking.exited).rejects.toMatchObject({ code: 'kernel-panic' });
    const hanging = await boot('sleep 1000', 4_000);
    await expect(hanging.exited).rejects.toMatchObject({ code: 'timeout' });
    const killed = await boot('sleep 1000');
    killed.kill();
    await expect(killed.exited).rejects.toMatchObject({ code: 'killed' });
    for (const { pid } of [panicking, hanging, killed]) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 300_000);
});
