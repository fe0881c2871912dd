import { ProcessError, run } from './run.js';

const env = { PATH: '/usr/bin:/bin' };
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    return error instanceof ProcessError ? error.code : String(error);
  }
  return 'none';
};

describe('run', () => {
  test('gives the program its input, its environment alone, and returns its output', async () => {
    process.env['SPLICECAST_LEAK'] = 'secret';
    const result = await run('/bin/sh', ['-c', 'cat; echo ${SPLICECAST_LEAK-unset}'], {
      env,
      timeoutMs: 5000,
      stdin: Buffer.from('in '),
    });
    delete process.env['SPLICECAST_LEAK'];
    expect(result.stdout.toString()).toBe('in unset\n');
  });

  test('kills the whole process group at the time limit', async () => {
    const start = Date.now();
    expect(await codeOf(run('/bin/sh', ['-c', 'sleep 20 & wait'], { env, timeoutMs: 200 }))).toBe('timed-out');
    expect(Date.now() - start).toBeLessThan(5000);
  });

  test('stops a program that floods its output', async () => {
    expect(await codeOf(run('yes', [], { env, timeoutMs: 10_000, maxOutputBytes: 100_000 }))).toBe('too-much-output');
  });

  test('tells a missing program from one that fails', async () => {
    expect(await codeOf(run('/nonexistent/program', [], { env, timeoutMs: 1000 }))).toBe('program-not-found');
    await expect(run('/bin/sh', ['-c', 'echo why >&2; exit 3'], { env, timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'failed',
      exitCode: 3,
      stderr: 'why\n',
    });
  });
});
