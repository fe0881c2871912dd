import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ServiceError } from '#libs/client';
import { freePort, ServiceProcess } from '../../tools/demo/service-process.js';
import { makeSourceDeb } from './made-packages.js';

const run = promisify(execFile);
const distDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');
const uploadBytes = 3_000_000;
const outcomeMs = 20_000;

const stateSchema = z.object({ state: z.string() }).loose();
const problemSchema = z.object({ status: z.number(), code: z.string() });

let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-environment-'));
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** Starts the service so that it can't come up. */
async function failedStart(environment: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const env = {
    ...process.env,
    SPLICECAST_DATA: await mkdtemp(join(scratch, 'failed-')),
    SPLICECAST_PORT: String(await freePort()),
    ...environment,
  };
  const child = spawn(process.execPath, [join(distDir, 'apps/standalone/src/main.js')], { env, timeout: 80_000 });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

describe('a start', () => {
  let service: ServiceProcess;

  beforeAll(async () => {
    service = await ServiceProcess.start(join(scratch, 'state'), { distDir });
  });

  afterAll(async () => {
    await service?.stop();
  });

  it.each(['SPLICECAST_PORT', 'SPLICECAST_NATS_PORT'])('with %s in use ends with what to change', async (variable) => {
    const taken = new URL(service.client.url).port;
    const { code, output } = await failedStart({ [variable]: taken });
    expect(code).toBe(1);
    expect(output).toContain(`port ${taken}`);
    expect(output).toMatch(new RegExp(`set ${variable} to another`));
  });

  it('on the data folder of a service that runs ends, and leaves that one alone', async () => {
    const { code, output } = await failedStart({ SPLICECAST_DATA: join(scratch, 'state') });
    expect(code).toBe(1);
    expect(output).toContain(`another service (process ${service.pid}) runs on this data folder`);
    expect(await service.client.get('/v1/status', z.object({ deadLetters: z.number() }))).toEqual({ deadLetters: 0 });
  });

  it('with a variable that makes no sense names it', async () => {
    const { code, output } = await failedStart({ SPLICECAST_PORT: 'eighty' });
    expect(code).toBe(1);
    expect(output).toContain('SPLICECAST_PORT');
  });
});

describe('a full disk', () => {
  let disk: string;
  let mounted = false;
  let full: ServiceProcess | undefined;

  beforeAll(async () => {
    if (process.getuid?.() !== 0) throw new Error('only root can mount the small disk that this test fills');
    disk = join(scratch, 'disk');
    await mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'splicecast-test', disk]);
    mounted = true;
  });

  afterAll(async () => {
    await full?.stop();
    if (mounted) await run('umount', [disk]);
  });

  it('refuses uploads until there is space again', async () => {
    full = await ServiceProcess.start(join(disk, 'state'), { distDir });
    const { client } = full;
    const filler = join(disk, 'filler');
    const file = join(scratch, 'upload');
    const { bavail, bsize } = await statfs(disk);
    await writeFile(filler, Buffer.alloc(bavail * bsize - 1_500_000));
    // Small ones are on their way as a whole before they are refused, large ones are not: both must hear it, every time.
    for (const sizeBytes of [3_000_000, 3_000_000, 30_000_000, 3_000_000, 30_000_000]) {
      await writeFile(file, Buffer.alloc(sizeBytes, 'splice'));
      const response = await fetch(`${client.url}/v1/blobs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${full.adminToken}`, 'content-type': 'application/octet-stream' },
        body: await readFile(file),
      });
      expect(problemSchema.parse(await response.json())).toMatchObject({ status: 507, code: 'no-space' });
    }
    await writeFile(file, Buffer.alloc(uploadBytes, 'splice'));
    await expect(client.upload(file, () => undefined)).rejects.toMatchObject({ name: ServiceError.name, status: 507 });
    expect(await readdir(join(disk, 'state/blobs/incoming'))).toEqual([]);

    await truncate(filler, 0);
    expect(await client.upload(file, () => undefined)).toMatchObject({ sizeBytes: uploadBytes });
    // It lives on: events are appended, worked on and shown.
    const bytes = await makeSourceDeb(scratch, { Makefile: 'VERSION = 6\n' });
    await writeFile(file, bytes);
    const { digest } = await client.upload(file, () => undefined);
    const request = { product: 'test-linux', fileName: 'linux-source-6.1.deb', archive: digest };
    const { dropId } = await client.post('/v1/drops', request, z.object({ dropId: z.string() }));
    const outcome = await client.until('the drop to be unpacked', outcomeMs, async () => {
      const now = await client.find(`/v1/drops/${dropId}`, stateSchema);
      return now?.state === 'received' ? undefined : now;
    });
    expect(outcome).toMatchObject({ state: 'unpacked', files: 1 });
  });
});
