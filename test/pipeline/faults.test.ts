import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { Progress } from '../../tools/demo/progress.js';
import { ServiceProcess } from '../../tools/demo/service-process.js';
import * as stages from '../../tools/demo/stages.js';
import { type MadeKernel, makeDeb, makeKernelDebs, makeSourceDeb, makeTar, withMember } from './made-packages.js';

const run = promisify(execFile);
const distDir = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');
const product = 'test-linux';
const outcomeMs = 20_000;

const reasonsSchema = z.array(z.object({ code: z.string(), reason: z.string() }));
const outcomeSchema = z.object({ state: z.string(), reasons: reasonsSchema.optional() }).loose();
const itemsSchema = z.object({ items: z.array(z.unknown()) });
const problemSchema = z.object({
  type: z.string(),
  title: z.string().min(1),
  status: z.number(),
  code: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string().min(1) })).optional(),
});

let scratch: string;
let service: ServiceProcess;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'splicecast-faults-'));
  service = await ServiceProcess.start(join(scratch, 'state'), { distDir });
});

afterAll(async () => {
  await service?.stop();
  await rm(scratch, { recursive: true, force: true });
});

async function upload(bytes: Buffer): Promise<string> {
  const file = join(await mkdtemp(join(scratch, 'upload-')), 'file');
  await writeFile(file, bytes);
  return (await service.client.upload(file, () => undefined)).digest;
}

async function handIn(archive: Buffer, fileName = 'linux-source-6.1.deb'): Promise<string> {
  const request = { product, fileName, archive: await upload(archive) };
  const { dropId } = await service.client.post('/v1/drops', request, z.object({ dropId: z.string() }));
  return dropId;
}

/** What became of a drop or kernel. */
async function outcomeOf(path: string): Promise<z.infer<typeof outcomeSchema>> {
  return service.client.until(`${path} to come to its end`, outcomeMs, async () => {
    const now = await service.client.find(path, outcomeSchema);
    return now === undefined || now.state === 'received' ? undefined : now;
  });
}

/** A request as a stranger's program might send it, and the problem that it gets. */
async function refused(path: string, init: RequestInit = {}): Promise<[number, string, ...string[]]> {
  const headers = { authorization: `Bearer ${service.adminToken}`, ...(init.headers as Record<string, string>) };
  const response = await fetch(`${service.client.url}${path}`, { ...init, headers });
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = problemSchema.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.type).toBe(`urn:splicecast:problem:${problem.code}`);
  return [response.status, problem.code, ...(problem.errors ?? []).map(({ pointer }) => pointer)];
}

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const cut = (bytes: Buffer): Buffer => bytes.subarray(0, Math.floor(bytes.length * 0.8));

describe('a source drop', () => {
  const files = { Makefile: 'VERSION = 6\n', 'fs/pipe.c': 'int pipe;\n' };
  const outside = 's,linux-source-6.1/fs/pipe.c,linux-source-6.1/../../../evil.c,';

  it.each([
    ['is cut short', 'truncated', async () => cut(await makeSourceDeb(scratch, files))],
    ['is no archive at all', 'not-an-archive', async () => Buffer.alloc(300, 'no archive, only words. ')],
    ['is as long as one but none', 'malformed', async () => Buffer.alloc(20_000, 'no archive, only words. ')],
    ['writes outside of its tree', 'unsafe-path', async () => makeSourceDeb(scratch, files, outside)],
    [
      'writes outside of itself as a package',
      'unsafe-path',
      async () => {
        const hostile = await makeTar(scratch, 'usr', { 'src/evil.c': 'int evil;\n' }, 's,usr/src,../../etc,');
        return withMember(await makeSourceDeb(scratch, files), /^data\.tar/, 'data.tar.gz', hostile);
      },
    ],
    ['holds no source', 'not-found', async () => makeDeb(scratch, 'linux-source-6.1', '1', { 'usr/share/x': 'x' })],
  ])('that %s is rejected: %s', async (_what, code, make) => {
    const dropId = await handIn(await make());
    const outcome = await outcomeOf(`/v1/drops/${dropId}`);
    expect(outcome).toMatchObject({ state: 'rejected', reasons: [{ code }] });
    expect(outcome).not.toHaveProperty('tree');
    expect(outcome).not.toHaveProperty('changelog');
    expect(await service.client.get(`/v1/drops/${dropId}/commits`, itemsSchema)).toEqual({ items: [] });
  });

  it('that is sound comes through beside them, and nothing is left over', async () => {
    const dropId = await handIn(await makeSourceDeb(scratch, files));
    const outcome = await outcomeOf(`/v1/drops/${dropId}`);
    expect(outcome).toMatchObject({ state: 'unpacked', files: 2 });
    expect(await service.client.get('/v1/dead-letters', itemsSchema)).toEqual({ items: [] });
    expect(await readdir(join(scratch, 'state', 'blobs', 'incoming'))).toEqual([]);
    const trees = join(scratch, 'state', 'trees.git');
    const refs = await run('git', ['-C', trees, 'for-each-ref', '--format=%(refname)']);
    expect(refs.stdout.trim()).toBe(`refs/drops/${String(outcome['tree'])}`);
  });
});

describe('a kernel', () => {
  const release = '6.1.0-54-amd64';

  it.each<[string, string, MadeKernel]>([
    ['headers are of another ABI', 'release-mismatch', { release, headersAbi: '6.1.0-53' }],
    ['image is cut short', 'bad-package', { release }],
    ['image is a package of something else', 'wrong-package', { release: 'nothing' }],
    ['config is not the one that its image was built with', 'config-mismatch', { release, imageOptions: ['KASAN'] }],
    ['config leaves no way to patch it', 'not-patchable', { release, without: 'LIVEPATCH' }],
    ['image is no kernel', 'bad-image', { release }],
  ])('whose %s is rejected: %s', async (_what, code, made) => {
    const [image, ...headers] = await makeKernelDebs(scratch, made);
    if (image === undefined) throw new TypeError('no image was made');
    const packages: object[] = [];
    for (const [index, bytes] of [code === 'bad-package' ? cut(image) : image, ...headers].entries()) {
      packages.push({ role: index === 0 ? 'image' : 'headers', fileName: 'x.deb', digest: await upload(bytes) });
    }
    const request = { distro: 'debian', packages };
    const { kernelId } = await service.client.post('/v1/kernels', request, z.object({ kernelId: z.string() }));
    const outcome = await outcomeOf(`/v1/kernels/${kernelId}`);
    expect(outcome).toMatchObject({ state: 'rejected', reasons: [{ code }] });
    expect(outcome).not.toHaveProperty('buildId');
    expect(await service.client.get('/v1/dead-letters', itemsSchema)).toEqual({ items: [] });
  });

  it('that was not imported gets no fixes', async () => {
    const { items } = await service.client.get(
      '/v1/kernels',
      z.object({ items: z.array(z.object({ kernelId: z.string() })) }),
    );
    const patch = { subject: 'x', text: '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n' };
    const [status] = await refused('/v1/fixes', json({ kernelId: items[0]?.kernelId, patch }));
    expect([409, 422]).toContain(status);
  });
});

describe('a request', () => {
  const drop = { product, fileName: 'x.deb', archive: '0'.repeat(64) };

  it.each<[string, string, RequestInit, (string | number)[]]>([
    ['without a token', '/v1/drops', { headers: { authorization: '' } }, [401, 'unauthorized']],
    ['with a wrong token', '/v1/drops', { headers: { authorization: 'Bearer nobody' } }, [401, 'unauthorized']],
    ['for a drop that is not there', '/v1/drops/none', {}, [404, 'not-found']],
    ['for a kernel that is not there', '/v1/kernels/none', {}, [404, 'not-found']],
    ['for a route that is not there', '/v1/nowhere', {}, [404, 'not-found']],
    ['with an id out of the folder', '/v1/drops/..%2f..%2fetc', {}, [404, 'not-found']],
    ['with an unknown filter', '/v1/drops?colour=red', {}, [400, 'unknown-parameter', '/colour']],
    ['with a limit out of range', '/v1/drops?limit=501', {}, [422, 'invalid-request', '/limit']],
    [
      'with wrong fields',
      '/v1/drops',
      json({ ...drop, product: 'a b', fileName: '../x' }),
      [422, 'invalid-request', '/product', '/fileName'],
    ],
    [
      'that names no blob and no base',
      '/v1/drops',
      json({ ...drop, base: 'none' }),
      [422, 'invalid-request', '/archive', '/base'],
    ],
    [
      'with a wrong field deep inside',
      '/v1/kernels',
      json({
        distro: 'debian',
        packages: [
          { role: 'image', fileName: 'x', digest: '0' },
          { role: 'soup', fileName: 'x', digest: '0'.repeat(64) },
        ],
      }),
      [422, 'invalid-request', '/packages/0/digest', '/packages/1/role'],
    ],
    ['that is no JSON', '/v1/drops', json('{"product":'), [400, 'malformed-body']],
    ['that is empty', '/v1/drops', json(''), [400, 'malformed-body']],
    [
      'of another type',
      '/v1/drops',
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' },
      [415, 'unsupported-media-type'],
    ],
    ['of JSON for bytes', '/v1/blobs', json({}), [415, 'unsupported-media-type']],
  ])('%s is a problem', async (_what, path, init, expected) => {
    expect(await refused(path, init)).toEqual(expected);
  });

  it('that says it is too large is refused before it comes', async () => {
    const length = { authorization: `Bearer ${service.adminToken}`, 'content-length': String(5_000_000) };
    const headers = { ...length, 'content-type': 'application/json' };
    const answer = await new Promise<{ status?: number; body: string }>((resolve, reject) => {
      const sent = request(`${service.client.url}/v1/drops`, { method: 'POST', headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      sent.on('error', reject);
      sent.flushHeaders();
    });
    expect(answer.status).toBe(413);
    expect(problemSchema.parse(JSON.parse(answer.body))).toMatchObject({ status: 413, code: 'body-too-large' });
  });

  it('finds its way by the description of the API', async () => {
    const schema = z.object({ openapi: z.string(), paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
    const { openapi, paths } = await service.client.get('/v1/openapi.json', schema);
    expect(openapi).toMatch(/^3\.1\./);
    const verbs = Object.fromEntries(Object.entries(paths).map(([path, verbs]) => [path, Object.keys(verbs).sort()]));
    expect(verbs).toMatchObject({
      '/v1/drops': ['get', 'post'],
      '/v1/drops/{id}': ['get'],
      '/v1/fixes': ['get', 'post'],
      '/v1/kernels': ['get', 'post'],
      '/v1/blobs': ['post'],
      '/v1/machines': ['get', 'post'],
      '/v1/bundles/{id}/artefact': ['get', 'head'],
      '/v1/licenses': ['get', 'post'],
    });
  });
});

describe('a secret', () => {
  it('never gets into a log', async () => {
    const state = join(scratch, 'state');
    const { token } = await stages.issueTrial(service.client, new Progress());
    const keys = await Promise.all(
      (await readdir(join(state, 'keys'))).map((name) => readFile(join(state, 'keys', name), 'utf8')),
    );
    const brokerKeys = z.object({ keys: z.record(z.string(), z.object({ d: z.string().min(40) })) });
    const nats = brokerKeys.parse(JSON.parse(await readFile(join(state, 'nats/broker-keys.json'), 'utf8')));
    const secrets = [
      service.adminToken,
      token,
      ...Object.values(nats.keys).map(({ d }) => d),
      ...keys.flatMap((pem) => pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'))),
    ];
    expect(secrets.length).toBeGreaterThanOrEqual(12);
    for (const log of [service.logFile, join(state, 'nats/nats-server.log')]) {
      const text = await readFile(log, 'utf8');
      expect(text.length).toBeGreaterThan(100);
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    }
    expect(await readFile(service.logFile, 'utf8')).toContain('ready at');
  });
});
