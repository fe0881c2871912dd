import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { Publishing } from '../src/publishing.js';
import { clientEnvironment, type MadeDrop, PublicGit } from './public-git.js';
import { cleanUp, until } from './stand.js';

let under: PublicGit;
beforeEach(async () => {
  under = await PublicGit.start();
});
afterEach(cleanUp);

const product = 'debian-linux';
const older = { Makefile: 'SUBLEVEL = 190\n', 'fs/pipe.c': 'int pipe;\n', 'mm/slab.c': 'int slab;\n' };
const newer = { ...older, Makefile: 'SUBLEVEL = 192\n', 'fs/pipe.c': 'int pipe_fixed;\n' };
const newest = { ...newer, Makefile: 'SUBLEVEL = 193\n', 'mm/slab.c': 'int slab_fixed;\n' };

async function twoDrops(of = product, suffix = ''): Promise<{ a: MadeDrop; b: MadeDrop }> {
  const a = await under.begin(of, `a${suffix}`, '6.1.190-1', { ...older, product: of });
  const b = await under.step(of, a, `b${suffix}`, '6.1.192-2', { ...newer, product: of });
  return { a, b };
}
const inClone = (name: string, ...args: string[]) => under.git('-C', under.folder(name), ...args);

describe('a clone', () => {
  it('has each drop bit for bit, and a commit a fix between them', async () => {
    const { a, b } = await twoDrops();
    await under.clone(product, 'full');
    expect(await inClone('full', 'rev-parse', 'HEAD', 'origin/6.1', '6.1.192-2', 'HEAD^{tree}')).toBe(
      [b.commit, b.commit, b.commit, b.tree].join('\n'),
    );
    expect(await inClone('full', 'rev-parse', '6.1.190-1^{tree}', '--abbrev-ref', 'HEAD')).toBe(`${a.tree}\n6.1`);
    expect(await inClone('full', 'log', '--format=%s')).toBe(
      'fs/pipe.c: changed\nMakefile: changed\ndebian-linux 6.1.190-1',
    );
    expect(await inClone('full', 'fsck', '--strict', '--full')).toBe('');
    expect(await inClone('full', 'for-each-ref', '--format=%(refname)', 'refs/tags', 'refs/remotes')).toBe(
      ['refs/remotes/origin/6.1', 'refs/remotes/origin/HEAD', 'refs/tags/6.1.190-1', 'refs/tags/6.1.192-2'].join('\n'),
    );
  });

  it.each(['0', '1', '2'])('works by version %s of the protocol', async (version) => {
    const { b } = await twoDrops();
    await under.git(
      '-c',
      `protocol.version=${version}`,
      'clone',
      '-q',
      `${under.url}/redpatch/${product}.git`,
      under.folder('v'),
    );
    expect(await inClone('v', 'rev-parse', 'HEAD^{tree}')).toBe(b.tree);
  });

  it('may be shallow, or without the files’ contents until they are wanted', async () => {
    const { b } = await twoDrops();
    await under.clone(product, 'shallow', '--depth', '1');
    expect(await inClone('shallow', 'rev-list', '--count', 'HEAD')).toBe('1');
    expect(await inClone('shallow', 'rev-parse', 'HEAD^{tree}')).toBe(b.tree);
    await under.clone(product, 'lazy', '--filter=blob:none', '--no-checkout');
    const missing = await inClone('lazy', 'rev-list', '--objects', '--all', '--missing=print');
    expect(missing.split('\n').filter((line) => line.startsWith('?')).length).toBeGreaterThan(3);
    expect(await inClone('lazy', 'show', 'HEAD~1:fs/pipe.c')).toBe('int pipe;');
    expect(
      await under.complaint(
        'clone',
        '-q',
        '--filter=sparse:oid=HEAD:Makefile',
        `${under.url}/redpatch/${product}.git`,
        under.folder('sparse'),
      ),
    ).toContain("filter 'sparse:oid' not supported");
  });

  it('without contents may be checked out, which asks for each file of a kernel at once', async () => {
    const { b } = await twoDrops();
    const blob = await under.git('--git-dir', join(under.dataDir, 'trees.git'), 'rev-parse', `${b.commit}:Makefile`);
    const asked = `0011command=fetch0001${`0032want ${blob}\n`.repeat(100_000)}0009done\n0000`;
    expect(await ask(asked, { 'git-protocol': 'version=2' })).toEqual({ status: 200 });
  });

  it('moves forward when the next drop arrives, and never otherwise', async () => {
    const { b } = await twoDrops();
    await under.clone(product, 'old');
    const c = await under.step(product, b, 'c', '6.1.193-1', newest);
    const other = await under.step(product, b, 'd', '6.1.192-2~rc1', { ...newer, 'fs/pipe.c': 'int other;\n' });
    expect(await inClone('old', 'pull', '--ff-only', '--quiet', '--tags')).toBe('');
    expect(await inClone('old', 'rev-parse', 'HEAD', '6.1.193-1', 'HEAD^{tree}')).toBe(
      [c.commit, c.commit, c.tree].join('\n'),
    );
    expect(await inClone('old', 'rev-parse', 'origin/6.1+6.1.192-2_rc1', '6.1.192-2_rc1')).toBe(
      `${other.commit}\n${other.commit}`,
    );
    expect(await inClone('old', 'merge-base', '--is-ancestor', b.commit, 'HEAD')).toBe('');
  });

  it('is of its own product, and two are served at once', async () => {
    const { b } = await twoDrops();
    const { b: other } = await twoDrops('other-linux', '-2');
    await Promise.all([under.clone(product, 'one'), under.clone('other-linux', 'two'), under.clone(product, 'three')]);
    for (const [name, tree] of [
      ['one', b.tree],
      ['two', other.tree],
      ['three', b.tree],
    ] as const) {
      expect(await inClone(name, 'rev-parse', 'HEAD^{tree}')).toBe(tree);
    }
    expect(await inClone('one', 'rev-list', '--all')).not.toContain(other.commit);
  });

  it('can’t push, and is told why', async () => {
    const { b } = await twoDrops();
    await under.clone(product, 'pusher');
    await inClone('pusher', 'commit', '--quiet', '--allow-empty', '-m', 'mine');
    expect(await under.complaint('-C', under.folder('pusher'), 'push', 'origin', 'HEAD:6.1')).toContain(
      'remote: This repository is read-only: it shows what a vendor released; nothing can be pushed to it',
    );
    const direct = await fetch(`${under.url}/redpatch/${product}.git/git-receive-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-receive-pack-request' },
      body: '0000',
    });
    expect([direct.status, ((await direct.json()) as { code: string }).code]).toEqual([403, 'read-only']);
    expect(await under.git('ls-remote', `${under.url}/redpatch/${product}.git`, 'refs/heads/6.1')).toContain(b.commit);
  });
});

describe('the repositories', () => {
  it('are listed with their drops, and a drop says where it is', async () => {
    const { a, b } = await twoDrops();
    const listed = (await under.service.get('/v1/redpatch')).json();
    const one = (await under.service.get(`/v1/redpatch/${product}`)).json();
    expect(listed).toEqual({ items: [one] });
    expect(one).toEqual({
      product,
      path: `/redpatch/${product}.git`,
      state: 'published',
      head: '6.1',
      branches: [{ name: '6.1', commit: b.commit }],
      drops: [
        { dropId: 'a', version: '6.1.190-1', branch: '6.1', tag: '6.1.190-1', commit: a.commit },
        { dropId: 'b', version: '6.1.192-2', branch: '6.1', tag: '6.1.192-2', commit: b.commit },
      ],
    });
    const drop = (await under.service.get('/v1/drops/b')).json();
    expect(drop).toMatchObject({
      state: 'split',
      redpatch: { path: `/redpatch/${product}.git`, branch: '6.1', tag: '6.1.192-2', commit: b.commit },
    });
    const unknown = await under.service.get('/v1/redpatch/nobody');
    expect([unknown.statusCode, unknown.json().code]).toEqual([404, 'not-found']);
    expect((await fetch(`${under.url}/v1/redpatch`)).status).toBe(401);
  });

  it('are made again from the log with the same commits when they are lost', async () => {
    const { b } = await twoDrops();
    const c = await under.step(product, b, 'c', '6.1.193-1', newest);
    const url = `${under.url}/redpatch/${product}.git`;
    const before = await under.git('ls-remote', '--symref', url);
    // They may be packed for those who clone just then.
    await rm(join(under.dataDir, 'redpatch'), { recursive: true, maxRetries: 20, retryDelay: 100 });
    expect(await under.complaint('ls-remote', url)).toContain('not found');
    const again = new Publishing(under.service.events, under.repositories, under.packing);
    again.onModuleInit();
    await until(
      'it to be published',
      () => again.find(product)?.state === 'published' && again.drop('c') !== undefined,
    );
    await again.onModuleDestroy();
    expect(await under.git('ls-remote', '--symref', url)).toBe(before);
    expect(before).toContain(c.commit);
  });

  it('keep what they show where the log says otherwise, and the list says so', async () => {
    const { a, b } = await twoDrops();
    const repository = join(under.dataDir, 'redpatch', `${product}.git`);
    const mine = await under.git('--git-dir', repository, 'commit-tree', '-m', 'not of the log', a.tree);
    await under.git('--git-dir', repository, 'update-ref', 'refs/heads/6.1', mine);
    const again = new Publishing(under.service.events, under.repositories, under.packing);
    again.onModuleInit();
    await until('it to fail', () => again.find(product)?.state === 'failed');
    expect(again.find(product)?.error).toContain(`refs/heads/6.1 shows ${mine} and can't be made ${b.commit}`);
    await again.onModuleDestroy();
    expect(await under.git('--git-dir', repository, 'rev-parse', '6.1')).toBe(mine);
  });
});

interface Told {
  readonly status: number;
  readonly code?: string;
}
async function told(path: string, init?: RequestInit): Promise<Told> {
  const response = await fetch(`${under.url}${path}`, init);
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  const body = isProblem ? ((await response.json()) as { code: string }) : {};
  return { status: response.status, ...body, code: (body as { code?: string }).code };
}
const ask = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, of = product) =>
  told(`/redpatch/${of}.git/git-upload-pack`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-git-upload-pack-request', ...headers },
    body,
  });

describe('what a hostile client asks', () => {
  it('is answered with what is wrong, and leaves no process', async () => {
    await twoDrops();
    const garbage = randomBytes(4096);
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
    const cases: [Promise<Told>, number, string | undefined][] = [
      [ask('hello, this is no packet'), 400, 'malformed-body'],
      [ask(garbage), 400, 'malformed-body'],
      [ask('ffff'), 400, 'malformed-body'],
      [ask('0011command=fetch0001000bwant zzz0000', { 'git-protocol': 'version=2' }), 400, 'malformed-body'],
      [ask(garbage, { 'content-encoding': 'gzip' }), 400, 'malformed-body'],
      [ask(gzipSync('0000').subarray(0, 10), { 'content-encoding': 'gzip' }), 400, 'malformed-body'],
      [ask(bomb, { 'content-encoding': 'gzip' }), 413, 'body-too-large'],
      [ask(Buffer.alloc(9 * 2 ** 20)), 413, 'body-too-large'],
      [ask('x', { 'content-encoding': 'br' }), 415, 'unsupported-encoding'],
      [ask('x', { 'content-type': 'text/html' }), 415, 'unsupported-media-type'],
      [ask('0000', {}, 'nobody'), 404, 'not-found'],
    ];
    for (const [answer, status, code] of cases) expect(await answer).toEqual(expect.objectContaining({ status, code }));
    await until('no process', async () => (await under.servers()).length === 0);
    await under.clone(product, 'after');
  });

  it('reaches nothing but public repositories', async () => {
    await twoDrops();
    const refs = 'info/refs?service=git-upload-pack';
    for (const path of [
      `/redpatch/nobody.git/${refs}`,
      `/redpatch/${product}/${refs}`,
      `/redpatch/incoming.git/${refs}`,
      `/redpatch/..%2ftrees.git/${refs}`,
      `/redpatch/..%2f..%2f..%2fetc.git/${refs}`,
      `/redpatch/%2e%2e.git/${refs}`,
      `/redpatch/${product}.git%00/${refs}`,
      `/redpatch/${product.toUpperCase()}.git/${refs}`,
      `/redpatch/${product}.git/HEAD`,
      `/redpatch/${product}.git/config`,
      `/redpatch/${product}.git/objects/info/alternates`,
    ]) {
      expect({ path, ...(await told(path)) }).toMatchObject({ path, status: 404, code: 'not-found' });
    }
    expect(await told(`/redpatch/${product}.git/info/refs`)).toMatchObject({ status: 403, code: 'smart-http-only' });
    expect(await told(`/redpatch/${product}.git/info/refs?service=git-upload-archive`)).toMatchObject({ status: 403 });
    const both = `service=git-upload-pack&service=git-receive-pack`;
    expect(await told(`/redpatch/${product}.git/info/refs?${both}`)).toMatchObject({ status: 403 });
    const odd = await fetch(`${under.url}/redpatch/${product}.git/${refs}`, {
      headers: { 'git-protocol': 'version=2:$(id)' },
    });
    expect((await odd.text()).slice(0, 34)).toBe('001e# service=git-upload-pack\n0000');
  });
});

/** A drop whose contents take a while to send. */
async function largeDrop(): Promise<MadeDrop> {
  const files = Object.fromEntries(Array.from({ length: 24 }, (_, n) => [`f${n}`, randomBytes(2 ** 20)]));
  const a = await under.begin(product, 'a', '6.1.190-1', files);
  return under.step(product, a, 'b', '6.1.192-2', { ...files, Makefile: 'SUBLEVEL = 192\n' });
}

/** Asks for a pack and takes only its first bytes. */
async function stallingClone({ commit }: MadeDrop): Promise<{ response: IncomingMessage; leave: () => void }> {
  const want = `want ${commit} side-band-64k\n`;
  const body = `${(want.length + 4).toString(16).padStart(4, '0')}${want}00000009done\n`;
  return new Promise((resolve, reject) => {
    const sent = request(
      `${under.url}/redpatch/${product}.git/git-upload-pack`,
      { method: 'POST', headers: { 'content-type': 'application/x-git-upload-pack-request' } },
      (response) => response.once('readable', () => resolve({ response, leave: () => sent.destroy() })),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * Clones with git until the pack comes, and no further: git writes what it receives into its trace as well, and there into a pipe
 * that nobody empties. Gives what kills that git as a whole.
 */
async function stallingGit(): Promise<() => void> {
  const args = ['clone', '--quiet', `${under.url}/redpatch/${product}.git`, under.folder('killed')];
  const client = spawn('git', args, {
    env: { ...clientEnvironment(), GIT_TRACE_PACKFILE: '3' },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  });
  await once(client.stdio[3] as Readable, 'readable');
  return () => process.kill(-(client.pid ?? 0), 'SIGKILL');
}

describe('a client that leaves', () => {
  it('leaves no process behind, however it goes', async () => {
    const drop = await largeDrop();
    const { response, leave } = await stallingClone(drop);
    expect(response.statusCode).toBe(200);
    expect((await under.servers()).join()).toContain('upload-pack');
    leave();
    await until('no process', async () => (await under.servers()).length === 0);

    const killed = await stallingGit();
    expect((await under.servers()).join()).toContain('upload-pack');
    killed();
    await until('no process', async () => (await under.servers()).length === 0);
    await under.clone(product, 'whole');
    expect(await inClone('whole', 'rev-parse', 'HEAD^{tree}')).toBe(drop.tree);
  });

  it('is ended by the service when that stops', async () => {
    const { response } = await stallingClone(await largeDrop());
    const ended = new Promise((resolve) => response.once('error', resolve).once('close', resolve).resume());
    await under.service.app.close();
    await ended;
    await until('no process', async () => (await under.servers()).length === 0);
    expect(await under.servers()).toEqual([]);
  });

  it('holds up nobody for long: when too many are served, the next is told so', async () => {
    const drop = await largeDrop();
    const stalled = [];
    for (let n = 0; n < under.atOnce; n += 1) stalled.push(await stallingClone(drop));
    const started = Date.now();
    const late = await fetch(`${under.url}/redpatch/${product}.git/info/refs?service=git-upload-pack`);
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '30']);
    expect(Date.now() - started).toBeGreaterThan(9_000);
    const waiting = under.clone(product, 'next');
    stalled.pop()?.leave();
    await waiting;
    for (const { leave } of stalled) leave();
    expect(await readFile(join(under.folder('next'), 'Makefile'), 'utf8')).toBe('SUBLEVEL = 192\n');
  });
});
