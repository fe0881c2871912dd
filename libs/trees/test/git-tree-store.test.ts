import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { GitTreeStore, TreeError } from '#libs/trees';
import { refusalOf, StoreUnderTest } from './under-test.js';

let under: StoreUnderTest;
beforeEach(() => (under = new StoreUnderTest()));
afterEach(() => under.remove());

const base = {
  Makefile: 'VERSION = 6\n',
  'fs/pipe.c': 'int a;\nint b;\nint c;\nint d;\nint e;\n',
  'fs/link.c': { mode: '120000', content: 'pipe.c' },
  'scripts/run.sh': { mode: '100755', content: '#!/bin/sh\n' },
} as const;
const absent = '0123456789012345678901234567890123456789';

describe('a tree', () => {
  it('has the id that git itself gives to the same files', async () => {
    const folder = join(under.root, 'files');
    mkdirSync(join(folder, 'fs'), { recursive: true });
    mkdirSync(join(folder, 'scripts'));
    writeFileSync(join(folder, 'Makefile'), base.Makefile);
    writeFileSync(join(folder, 'fs/pipe.c'), base['fs/pipe.c']);
    symlinkSync('pipe.c', join(folder, 'fs/link.c'));
    writeFileSync(join(folder, 'scripts/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    execFileSync('git', ['init', '-q'], { cwd: folder });
    execFileSync('git', ['add', '-A'], { cwd: folder });
    const expected = execFileSync('git', ['write-tree'], { cwd: folder, encoding: 'latin1' }).trim();
    expect(await under.write(base)).toBe(expected);
    expect(await under.store.hasTree(expected)).toBe(true);
  });

  it('is listed, whole or below some paths, and read', async () => {
    const tree = await under.write(base);
    const paths = async (...below: string[]) => (await under.store.list(tree, below)).map(({ path }) => path);
    const all = await under.store.list(tree);
    expect(all.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
      '100644 Makefile',
      '120000 fs/link.c',
      '100644 fs/pipe.c',
      '100755 scripts/run.sh',
    ]);
    expect(await paths('fs', 'Makefile')).toEqual(['Makefile', 'fs/link.c', 'fs/pipe.c']);
    expect(await paths('fs/')).toEqual(['fs/link.c', 'fs/pipe.c']);
    expect(await paths('')).toHaveLength(4);
    expect(await paths('f')).toEqual([]);
    expect((await under.store.readFile(tree, 'scripts/run.sh'))?.toString()).toBe('#!/bin/sh\n');
    expect(await under.store.readFile(tree, 'fs')).toBeUndefined();
    expect(await under.store.readFile(tree, 'nothing')).toBeUndefined();
    const blobs = await under.store.readBlobs(all.map(({ blob }) => blob).reverse());
    expect(blobs.map(String)).toEqual(['#!/bin/sh\n', base['fs/pipe.c'], 'pipe.c', base.Makefile]);
  });

  it('keeps strange names, large files and files without a line', async () => {
    const files = {
      'a "quoted" \\name\n.c': 'x',
      'D 100644 trick': '',
      'caf\u00e9/\u00ff.h': 'latin1',
      large: Buffer.alloc(3_000_000, 'abc\n'),
    };
    const tree = await under.write(files);
    for (const [path, content] of Object.entries(files)) {
      expect(Buffer.compare((await under.store.readFile(tree, path)) ?? Buffer.alloc(1), Buffer.from(content))).toBe(0);
    }
    expect((await under.store.list(tree)).map(({ path }) => path).sort()).toEqual(Object.keys(files).sort());
    expect(await under.store.list(tree, ['caf\u00e9'])).toHaveLength(1);
  });

  it('may hold hard links, and nothing at all', async () => {
    const writer = await under.store.writeTree();
    await writer.add('a', '100755', Buffer.from('x'));
    await writer.copy('a', 'b/c');
    const { tree, files } = await writer.finish();
    expect(files).toBe(2);
    expect((await under.store.list(tree)).map(({ path, mode }) => [path, mode])).toEqual([
      ['a', '100755'],
      ['b/c', '100755'],
    ]);
    expect(await under.write({})).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  });

  it('costs only what is new when another is there', async () => {
    await under.write({ ...base, big: Buffer.alloc(100_000, 1) });
    const before = new Set(readdirSync(join(under.dir, 'objects/pack')));
    await under.write({ ...base, big: Buffer.alloc(100_000, 1), 'new.c': 'new\n' });
    const [pack] = readdirSync(join(under.dir, 'objects/pack')).filter(
      (name) => !before.has(name) && name.endsWith('.idx'),
    );
    const objects = under
      .git('verify-pack', '-v', join(under.dir, 'objects/pack', pack ?? ''))
      .match(/^[0-9a-f]{40} /gm);
    // The new file, the top folder, the commit that holds it.
    expect(objects).toHaveLength(3);
    expect(under.git('fsck', '--full', '--strict')).not.toMatch(/error|missing|dangling/);
  });

  it('is seen by nobody before it is finished, and leaves nothing when it is given up', async () => {
    const writer = await under.store.writeTree();
    await writer.add('a', '100644', Buffer.alloc(2_000_000, 1));
    expect(under.git('for-each-ref')).toBe('');
    expect(readdirSync(join(under.dir, 'objects/pack'))).toEqual([]);
    await writer.abort();
    await writer.abort();
    expect(readdirSync(join(under.dir, 'incoming'))).toEqual([]);
    expect(readdirSync(join(under.dir, 'objects/pack'))).toEqual([]);
    expect((await refusalOf(writer.add('b', '100644', Buffer.from('')))).code).toBe('tree-store-failed');
  });

  it('is held by a ref, and several can be written at once', async () => {
    const trees = await Promise.all([1, 2, 3].map((n) => under.write({ ...base, own: String(n), shared: 'same' })));
    const refs = under.git('for-each-ref', '--format=%(refname)').split('\n');
    expect(refs).toEqual(trees.map((tree) => `refs/drops/${tree}`).sort());
  });
});

describe('what a process that died left behind', () => {
  it('is cleared away, but not what a living one is writing', async () => {
    const writer = await under.store.writeTree();
    await writer.add('a', '100644', Buffer.from('x'));
    const incoming = join(under.dir, 'incoming');
    const [living = ''] = readdirSync(incoming);
    const [place = '', pid = '', started = ''] = readFileSync(join(incoming, living, 'owner'), 'utf8').split('\n');
    const leave = (name: string, owner: string | undefined, hoursAgo: number): void => {
      mkdirSync(join(incoming, name, 'repo'), { recursive: true });
      if (owner !== undefined) writeFileSync(join(incoming, name, 'owner'), owner);
      const then = Date.now() / 1000 - hoursAgo * 3600;
      utimesSync(join(incoming, name), then, then);
    };
    leave('dead', `${place}\n999999999\n12345\n`, 0);
    leave('pid-given-out-again', `${place}\n${pid}\n${Number(started) - 1}\n`, 0);
    leave('elsewhere', `another-machine pid:[1]\n1\n1\n`, 23);
    leave('elsewhere-long-ago', `another-machine pid:[1]\n1\n1\n`, 25);
    leave('just-made', undefined, 0);
    leave('never-owned', undefined, 25);
    await new GitTreeStore(under.dir).hasTree(absent);
    expect(readdirSync(incoming).sort()).toEqual(['elsewhere', 'just-made', living].sort());
    const { tree } = await writer.finish();
    expect(await under.store.hasTree(tree)).toBe(true);
  });
});

describe('a checkout', () => {
  it('writes the files asked for, with modes and links, over what is there', async () => {
    const tree = await under.write(base);
    const folder = join(under.root, 'out');
    mkdirSync(folder);
    writeFileSync(join(folder, 'Makefile'), 'old');
    await under.store.checkout(tree, ['fs', 'scripts/run.sh', 'Makefile'], folder);
    expect(readFileSync(join(folder, 'fs/pipe.c'), 'utf8')).toBe(base['fs/pipe.c']);
    expect(readFileSync(join(folder, 'Makefile'), 'utf8')).toBe(base.Makefile);
    expect(readlinkSync(join(folder, 'fs/link.c'))).toBe('pipe.c');
    expect(statSync(join(folder, 'scripts/run.sh')).mode & 0o111).not.toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['Makefile', 'fs', 'scripts']);
  });

  it('names what the tree does not have', async () => {
    const tree = await under.write(base);
    const refusal = await refusalOf(under.store.checkout(tree, ['fs', 'nothing', 'fs/no.c'], join(under.root, 'out')));
    expect(refusal).toEqual({ code: 'path-not-found', paths: ['nothing', 'fs/no.c'] });
  });

  it('does not write through a link that leads elsewhere', async () => {
    const tree = await under.write(base);
    const [folder, elsewhere] = [join(under.root, 'out'), join(under.root, 'elsewhere')];
    mkdirSync(folder);
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(folder, 'fs'));
    expect((await refusalOf(under.store.checkout(tree, ['fs'], folder))).code).toBe('tree-store-failed');
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});

describe('what is not there', () => {
  it('is refused by its code', async () => {
    const tree = await under.write(base);
    expect(await under.store.hasTree(absent)).toBe(false);
    expect((await refusalOf(under.store.list(absent))).code).toBe('tree-not-found');
    expect((await refusalOf(under.store.diff(tree, absent))).code).toBe('tree-not-found');
    expect((await refusalOf(under.store.patchOf(absent))).code).toBe('tree-not-found');
    expect((await refusalOf(under.store.readBlobs([absent]))).code).toBe('path-not-found');
    expect((await refusalOf(under.store.readBlobs([tree]))).code).toBe('path-not-found');
    expect((await refusalOf(under.store.setRef('refs/heads/x', absent))).code).toBe('tree-store-failed');
    expect((await refusalOf(under.store.setRef('HEAD', absent))).code).toBe('tree-store-failed');
    const [entry] = await under.store.list(tree, ['fs/pipe.c']);
    const blob = entry?.blob ?? '';
    expect(await refusalOf(under.store.readBlobs([blob], 3))).toMatchObject({ code: 'too-large', object: blob });
    expect(await refusalOf(under.store.readBlobs([blob, absent, tree]))).toMatchObject({
      code: 'path-not-found',
      object: absent,
    });
  });
});

it('does not listen to the user’s configuration of git', async () => {
  const before = { ...process.env };
  writeFileSync(
    join(under.root, 'config'),
    '[core]\n\tautocrlf = input\n[user]\n\tname = somebody\n[diff]\n\texternal = false\n',
  );
  Object.assign(process.env, {
    GIT_CONFIG_GLOBAL: join(under.root, 'config'),
    GIT_DIR: '/nonexistent',
    GIT_INDEX_FILE: '/x',
  });
  try {
    const tree = await under.write({ 'a.c': 'x\r\ny\r\n' });
    const next = await under.store.applyPatch(
      tree,
      Buffer.from('--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n x\r\n-y\r\n+z\r\n'),
    );
    expect((await under.store.readFile(next, 'a.c'))?.toString()).toBe('x\r\nz\r\n');
  } finally {
    for (const name of ['GIT_CONFIG_GLOBAL', 'GIT_DIR', 'GIT_INDEX_FILE']) delete process.env[name];
    Object.assign(process.env, before);
  }
});

it('tells a git that can not run from a bad tree', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = '/nonexistent';
  try {
    await expect(under.store.hasTree(absent)).rejects.toBeInstanceOf(TreeError);
  } finally {
    process.env['PATH'] = path;
  }
});
