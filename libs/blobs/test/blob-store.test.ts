import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FolderBlobStore, MemoryBlobStore } from '../src/index.js';
import { incomingName } from '../src/leftovers.js';
import { blobContract, type Harness } from './contract.js';

const run = promisify(execFile);

async function folderHarness(): Promise<Harness> {
  const dir = await mkdtemp(join(tmpdir(), 'splicecast-blobs-'));
  const small = join(dir, 'small-disk');
  let mounted = false;
  return {
    store: new FolderBlobStore(join(dir, 'blobs')),
    async damage(digest) {
      const path = join(dir, 'blobs', digest.slice(0, 2), digest);
      await chmod(path, 0o644);
      const file = await open(path, 'r+');
      await file.write(Buffer.from([(await file.read(Buffer.alloc(1), 0, 1, 0)).buffer.readUInt8(0) ^ 1]), 0, 1, 0);
      await file.close();
    },
    async full() {
      await mkdir(small);
      try {
        await run('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'none', small]);
      } catch {
        return undefined;
      }
      mounted = true;
      return new FolderBlobStore(small);
    },
    async leftovers() {
      const folders = mounted ? [join(dir, 'blobs'), small] : [join(dir, 'blobs')];
      const names = await Promise.all(folders.map((folder) => readdir(join(folder, 'incoming'))));
      return names.flat().length;
    },
    async close() {
      if (mounted) await run('umount', [small]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function memoryHarness(): Promise<Harness> {
  const store = new MemoryBlobStore();
  return {
    store,
    damage: async (digest) => store.damage(digest),
    full: async () => new MemoryBlobStore(200_000),
    leftovers: async () => 0,
    close: () => store.close(),
  };
}

describe.each([
  ['FolderBlobStore', folderHarness],
  ['MemoryBlobStore', memoryHarness],
])('%s', (_name, start) => {
  blobContract(start);
});

describe('a folder of blobs', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'splicecast-blobs-'));
  });
  afterEach(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  test('survives its process: a second store finds the first one’s blobs, which nobody may write to', async () => {
    const { digest } = await new FolderBlobStore(dir).put(Buffer.from('kept'));
    const later = new FolderBlobStore(dir);
    expect((await later.read(digest)).toString()).toBe('kept');
    expect((await stat(await later.localPath(digest))).mode & 0o777).toBe(0o444);
  });

  test('what a dead process left is removed at the start; what a living one writes is not', async () => {
    const other = spawn('sleep', ['60']);
    try {
      const incoming = join(dir, 'incoming');
      await mkdir(incoming, { recursive: true });
      const [host] = incomingName().split('-');
      const statLine = await run('cat', [`/proc/${other.pid}/stat`]);
      const ticks = statLine.stdout.slice(statLine.stdout.lastIndexOf(')') + 2).split(' ')[19];
      const [mine, living, recycled, dead, foreign] = [
        `${incomingName()}-${'0'.repeat(16)}`,
        `${host}-${other.pid}-${ticks}-${'1'.repeat(16)}`,
        `${host}-${other.pid}-1-${'2'.repeat(16)}`,
        `${host}-4194305-5-${'3'.repeat(16)}`,
        `00000000-4194305-5-${'4'.repeat(16)}`,
      ];
      for (const name of [mine, living, recycled, dead, foreign]) await writeFile(join(incoming, name), 'half a blo');
      expect(await new FolderBlobStore(dir).stat('0'.repeat(64))).toBeUndefined();
      expect((await readdir(incoming)).sort()).toEqual([mine, living, foreign].sort());
    } finally {
      other.kill();
      await once(other, 'exit');
    }
  });

  test('a blob that grew behind its back is not served as whole', async () => {
    const store = new FolderBlobStore(dir);
    const { digest } = await store.put(Buffer.from('short'));
    const path = await store.localPath(digest);
    await chmod(path, 0o644);
    await appendFile(path, ' and more');
    await expect(store.read(digest)).rejects.toMatchObject({ code: 'digest-mismatch' });
  });
});
