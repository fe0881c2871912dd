import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { inThread, ThreadProgram } from './index.js';

const built = ThreadProgram.beside(import.meta.url, 'index.js').url.href;
const limits = { maxHeapMb: 64 };

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'splicecast-threads-'))));
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** A thread's program that does this with its job. */
async function programOf<Job, Answer>(work: string): Promise<ThreadProgram<Job, Answer>> {
  const path = join(folder, `${Math.random()}.mjs`);
  await writeFile(path, `import { serveJob } from '${built}';\nawait serveJob(${work});\n`);
  return ThreadProgram.at(pathToFileURL(path));
}

describe('a job in a thread', () => {
  it('is answered', async () => {
    const program = await programOf(
      'async ({ numbers }) => ({ sum: numbers.reduce((a, b) => a + b), at: new Date(0) })',
    );
    expect(await inThread(program, { numbers: [1, 2, 3] }, limits)).toEqual({ sum: 6, at: new Date(0) });
  });

  it('keeps nobody here waiting, however long it computes', async () => {
    const program = await programOf('async (ms) => { for (const end = Date.now() + ms; Date.now() < end; ); }');
    let isDone = false;
    const job = inThread(program, 1_000, limits).then(() => (isDone = true));
    await sleep(1);
    expect(isDone).toBe(false);
    await job;
  });

  it('fails with the name, code and message of what it threw', async () => {
    const program = await programOf(
      `async () => { throw Object.assign(new Error('the disk is full'), { name: 'TreeError', code: 'no-space' }); }`,
    );
    await expect(inThread(program, {}, limits)).rejects.toMatchObject({
      name: 'TreeError',
      code: 'no-space',
      message: 'the disk is full',
    });
  });

  it('ends alone where it needs too much memory, or ends itself', async () => {
    const greedy = await programOf(
      'async () => { for (const all = []; ; ) all.push(new Array(1_000).fill(all.length)); }',
    );
    await expect(inThread(greedy, {}, limits)).rejects.toMatchObject({ name: 'ThreadError', code: 'out-of-memory' });
    const gone = await programOf('async () => process.exit(7)');
    await expect(inThread(gone, {}, limits)).rejects.toMatchObject({ name: 'ThreadError', code: 'ended' });
  });

  it('fails where there is no such program', async () => {
    await expect(inThread(ThreadProgram.at(pathToFileURL(join(folder, 'none.mjs'))), {}, limits)).rejects.toThrow(
      /none\.mjs/,
    );
  });
});
