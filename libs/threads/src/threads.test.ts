import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { JobThread, ThreadProgram } from './index.js';

const built = ThreadProgram.beside(import.meta.url, 'index.js').url.href;
const limits = { maxHeapMb: 64 };

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'splicecast-threads-'))));
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** A thread whose program is begun, and does each of its jobs, like this. */
async function threadOf<Job, Answer>(begin: string, idleMs?: number): Promise<JobThread<string, Job, Answer>> {
  const path = join(folder, `${Math.random()}.mjs`);
  await writeFile(path, `import { serveJobs } from '${built}';\nserveJobs(${begin});\n`);
  return new JobThread<string, Job, Answer>(
    ThreadProgram.at(pathToFileURL(path)),
    'a setting',
    idleMs === undefined ? limits : { ...limits, idleMs },
  );
}

describe('a job in a thread', () => {
  it('is answered', async () => {
    const thread = await threadOf(
      '(setting) => async ({ numbers }) => ({ setting, sum: numbers.reduce((a, b) => a + b), at: new Date(0) })',
    );
    const answer = { setting: 'a setting', sum: 6, at: new Date(0) };
    expect(await thread.run({ numbers: [1, 2, 3] })).toEqual(answer);
    expect(await thread.run({ numbers: [4, 2] })).toEqual(answer);
  });

  it('keeps nobody here waiting, however long it computes', async () => {
    const thread = await threadOf('() => async (ms) => { for (const end = Date.now() + ms; Date.now() < end; ); }');
    let isDone = false;
    const job = thread.run(1_000).then(() => (isDone = true));
    await sleep(1);
    expect(isDone).toBe(false);
    await job;
  });

  it('fails with the name, code and message of what it threw', async () => {
    const thread = await threadOf(
      `() => async () => { throw Object.assign(new Error('the disk is full'), { name: 'TreeError', code: 'no-space' }); }`,
    );
    const fails = { name: 'TreeError', code: 'no-space', message: 'the disk is full' };
    await expect(thread.run({})).rejects.toMatchObject(fails);
    const secretive = await threadOf('() => async () => () => "no function can be sent"');
    await expect(secretive.run({})).rejects.toThrow(/could not be cloned/);
  });

  it('ends alone where it needs too much memory, or ends itself', async () => {
    const greedy = await threadOf(
      '() => async () => { for (const all = []; ; ) all.push(new Array(1_000).fill(all.length)); }',
    );
    await expect(greedy.run({})).rejects.toMatchObject({ name: 'ThreadError', code: 'out-of-memory' });
    const gone = await threadOf('() => async () => process.exit(7)');
    await expect(gone.run({})).rejects.toMatchObject({ name: 'ThreadError', code: 'ended' });
  });

  it('fails where there is no such program', async () => {
    const none = ThreadProgram.at(pathToFileURL(join(folder, 'none.mjs')));
    await expect(new JobThread(none, {}, limits).run({})).rejects.toThrow(/none\.mjs/);
  });
});

describe('a thread that is kept', () => {
  const counting = '() => { let done = 0; return async (job) => { if (job.ends) process.exit(1); return ++done; }; }';

  it('has at the next job what it had at the last, until it is closed', async () => {
    const thread = await threadOf<object, number>(counting, 60_000);
    expect([await thread.run({}), await thread.run({})]).toEqual([1, 2]);
    expect(await Promise.all([thread.run({}), thread.run({})])).toEqual([3, 4]);
    await thread.close();
    expect(await thread.run({})).toBe(1);
    await thread.close();
  });

  it('is begun anew after its end, and what was in hand beside is done again', async () => {
    const thread = await threadOf<{ ends?: boolean }, number>(counting, 60_000);
    expect(await thread.run({})).toBe(1);
    const both = await Promise.allSettled([thread.run({ ends: true }), thread.run({})]);
    expect(both).toMatchObject([{ reason: { name: 'ThreadError', code: 'ended' } }, { value: 1 }]);
    expect(await thread.run({})).toBe(1);
    await thread.close();
  });

  it('leaves what was in hand when it is closed', async () => {
    const thread = await threadOf<object, never>('() => () => new Promise(() => setInterval(() => 1, 1_000))', 60_000);
    const both = [thread.run({}), thread.run({})];
    const ended = { reason: { name: 'ThreadError', code: 'ended' } };
    await thread.close();
    expect(await Promise.allSettled(both)).toMatchObject([ended, ended]);
  });

  it('is given up when it had nothing to do for a while', async () => {
    const thread = await threadOf<object, number>(counting, 50);
    expect(await thread.run({})).toBe(1);
    await sleep(500);
    expect(await thread.run({})).toBe(1);
    await thread.close();
  });
});
