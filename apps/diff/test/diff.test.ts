import { execFileSync } from 'node:child_process';
import { MemoryBlobStore } from '#libs/blobs';
import { type Fact, fact } from '#libs/contracts';
import { MemoryEventStore } from '#libs/eventstore';
import { splitReportSchema } from '#libs/patchsplit';
import { Diff } from '../src/diff.js';
import { DiffUnderTest, product } from './diff.fixture.js';

let under: DiffUnderTest;
beforeEach(async () => {
  under = new DiffUnderTest();
  await under.start();
});
afterEach(() => under.stop());

const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('');
const pipe = lines('int pipe_release(struct inode *inode)', '{', '\tint x = 0;', '\treturn x;', '}');
const other = lines('int other(void)', '{', '\treturn 1;', '}');
/** Words are weighed by how rare they are in a step: among few changes nothing is rare. */
const noise = (value: number) =>
  Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`drivers/net/d${n}.c`, `int probe_${n}(void)\n{\n\treturn ${value};\n}\n`]),
  );
const before = { 'fs/pipe.c': pipe, 'mm/other.c': other, Makefile: 'SUBLEVEL = 190\n', ...noise(1) };
const after = {
  ...before,
  ...noise(2),
  'fs/pipe.c': pipe.replace('\treturn x;\n', '\tpipe_unlock(inode);\n\treturn x;\n'),
  Makefile: 'SUBLEVEL = 192\n',
};
const changelog = `linux (6.1.192-1) bookworm-security; urgency=high

  * New upstream stable update:
    https://www.kernel.org/pub/linux/kernel/v6.x/ChangeLog-6.1.192
    - pipe: unlock the inode in pipe_release() (CVE-2026-1234)

 -- A Maintainer <a@example.org>  Mon, 16 Nov 2026 11:17:40 +0100

linux (6.1.190-1) bookworm; urgency=medium

  * Old entry

 -- A Maintainer <a@example.org>  Mon, 09 Nov 2026 11:17:40 +0100
`;

interface Answer {
  readonly code?: string;
  readonly errors?: readonly { readonly pointer: string }[];
  readonly fixIds?: readonly string[];
}
const answerOf = async (response: Response): Promise<Answer & { status: number }> => ({
  status: response.status,
  ...((await response.json()) as Answer),
});
const git = (...args: string[]): string =>
  execFileSync('git', ['--git-dir', under.dir, ...args], { encoding: 'utf8' }).trim();

async function splitStep() {
  await under.receive('a');
  await under.receive('b', 'a');
  const [treeA, treeB] = [
    await under.unpack('a', '6.1.190-1', before),
    await under.unpack('b', '6.1.192-1', after, changelog),
  ];
  return { treeA, treeB, split: await under.splitOf('b') };
}

describe('the step between two drops', () => {
  it('becomes a series that rebuilds the second, kept in git', async () => {
    const { treeA, treeB, split } = await splitStep();
    expect(split).toMatchObject({
      base: 'a',
      commits: 3,
      attributed: 1,
      remainders: 2,
      files: 62,
      proof: { baseTree: treeA, targetTree: treeB, replayedTree: treeB },
    });
    const series = await under.seriesOf(split);
    expect(series.commits.map(({ kind, subject, label, cves }) => [kind, label ?? subject, cves])).toEqual([
      ['attributed', 'pipe: unlock the inode in pipe_release()', ['CVE-2026-1234']],
      ['remainder', 'drivers/net', []],
      ['remainder', 'top level', []],
    ]);
    expect(series.commits[0]?.paths).toEqual(['fs/pipe.c']);
    expect(git('rev-parse', 'refs/series/b')).toBe(split.head);
    expect(git('rev-parse', `${split.head}^{tree}`)).toBe(treeB);
    expect(git('rev-list', split.head).split('\n').at(-1)).toBe(split.onto);
    expect(git('log', '-1', '--format=%T %ct %s', split.onto ?? '')).toBe(`${treeA} 0 ${product} 6.1.190-1`);
    expect(series.commits[0]?.parent).toBe(split.onto);
    expect(git('rev-list', '--count', split.head)).toBe('4');
  });

  it('goes on from the step before it, whichever is unpacked first, and waits for it', async () => {
    await under.receive('a');
    await under.receive('b', 'a');
    await under.receive('c', 'b');
    const last = { ...after, 'mm/other.c': other.replace('1', '2') };
    const treeC = await under.unpack('c', '6.1.193-1', last);
    await under.unpack('b', '6.1.192-1', after, changelog);
    await under.unpack('a', '6.1.190-1', before, changelog.slice(changelog.indexOf('linux (6.1.190')));
    const [b, c] = [await under.splitOf('b'), await under.splitOf('c')];
    expect(c.onto).toBe(b.head);
    expect((await under.seriesOf(c)).commits.map(({ parent, tree, paths }) => [parent, tree, paths])).toEqual([
      [b.head, treeC, ['mm/other.c']],
    ]);
    expect(git('rev-list', '--count', c.head)).toBe('5');
    // The beginning is dated by its own changelog.
    expect(git('log', '-1', '--format=%aI', b.onto ?? '')).toBe('2026-11-09T10:17:40+00:00');
    const alone = await under.trees.series(c.head, c.onto);
    expect([alone.baseTree, alone.commits.length]).toEqual([b.proof.targetTree, 1]);
    await alone.close();
  });

  it('of no change ends where it begins', async () => {
    const { split } = await splitStep();
    await under.receive('c', 'b');
    await under.unpack('c', '6.1.192-2', after);
    expect(await under.splitOf('c')).toMatchObject({ onto: split.head, head: split.head, commits: 0 });
  });

  it('is reported hunk by hunk, beside the series', async () => {
    const { split } = await splitStep();
    const bytes = await under.blobs.read(split.report ?? '');
    const report = splitReportSchema.parse(JSON.parse(bytes.toString('utf8')));
    expect(report).toMatchObject({ head: split.head, proof: split.proof, from: { version: '6.1.190-1' } });
    expect(report.commits[0]).toMatchObject({
      subject: 'pipe: unlock the inode in pipe_release()',
      evidence: ['names'],
    });
    const pipeHunks = report.files.find(({ path }) => path === 'fs/pipe.c')?.hunks;
    expect(pipeHunks).toEqual([[3, 0, 4, 1, [[0, report.commits[0]?.confidence]]]]);
  });

  it('is the same, whoever is unpacked first', async () => {
    const { split } = await splitStep();
    const again = new DiffUnderTest();
    await again.start();
    try {
      await again.receive('a');
      await again.receive('b', 'a');
      await again.unpack('b', '6.1.192-1', after, changelog);
      await again.unpack('a', '6.1.190-1', before);
      // The child is asked for again 5 s later.
      const { durationMs: _mine, ...later } = await again.splitOf('b');
      const { durationMs: _first, ...first } = split;
      expect(later).toEqual(first);
    } finally {
      await again.stop();
    }
  });

  it('is recorded once, however often it is delivered', async () => {
    await splitStep();
    const { events } = await under.events.readStream('drop.b');
    const unpacked = events.find((one) => one.fact.type === 'SourceDropUnpacked');
    if (!unpacked) throw new Error('not unpacked');
    await new Diff(under.events, under.blobs, under.trees, { now: () => new Date() }, under.splitter).handle(unpacked);
    expect(await under.factsOf('drop.b')).toHaveLength(3);
  });

  it('waits while the disk is full', async () => {
    await splitStep();
    const { events } = await under.events.readStream('drop.b');
    const log = new MemoryEventStore();
    await log.appendToStream('drop.a', 0, await under.factsOf('drop.a'), {
      actor: 'x',
      commandId: '1',
      correlationId: 'x',
    });
    const facts = events.map((one) => one.fact).slice(0, 2);
    await log.appendToStream('drop.b', 0, facts, { actor: 'x', commandId: '2', correlationId: 'x' });
    const full = new MemoryBlobStore(2_000);
    await full.put(await under.blobs.open((facts[1] as Fact<'SourceDropUnpacked'>).data.changelog ?? ''));
    const [, unpacked] = (await log.readStream('drop.b')).events;
    if (!unpacked) throw new Error('not unpacked');
    const diff = new Diff(log, full, under.trees, { now: () => new Date() }, under.splitter);
    await expect(diff.handle(unpacked)).rejects.toMatchObject({ name: 'RetryLater' });
    await log.close();
  });

  it('ends in the dead letter, with the reason, if the base was rejected', async () => {
    await under.receive('a');
    await under.record(
      'drop.a',
      fact('SourceDropRejected', { dropId: 'a', reasons: [{ code: 'truncated', reason: 'cut' }] }),
    );
    await under.receive('b', 'a');
    await under.unpack('b', '6.1.192-1', after);
    const letter = await under.until(async () => (await under.events.deadLetters())[0]);
    expect(letter.reason).toContain('its base a was rejected (truncated: cut)');
  });
});

/** The kernel `k`, built from a drop. */
const kernel = (dropId?: string) =>
  under.record(
    'kernel.k',
    fact('KernelReceived', {
      kernelId: 'k',
      distro: 'debian',
      packages: ['image', 'headers'].map((role, n) => ({
        role: role as 'image' | 'headers',
        fileName: `${role}.deb`,
        digest: String(n).repeat(64),
        sizeBytes: 1,
      })),
      ...(dropId === undefined ? {} : { dropId }),
    }),
  );
const own = (text: string) => ({ kernelId: 'k', patch: { subject: 'x', text } });

describe('a proposal', () => {
  const patch = lines(
    '--- a/mm/other.c',
    '+++ b/mm/other.c',
    '@@ -1,4 +1,4 @@',
    ' int other(void)',
    ' {',
    '-\treturn 1;',
    '+\treturn 2;',
    ' }',
  );

  it('makes a fix of each commit that is chosen, for the tree that the kernel was built from', async () => {
    const { treeA, split } = await splitStep();
    const [first, second] = (await under.seriesOf(split)).commits;
    await kernel('a');
    const answer = await answerOf(await under.post({ kernelId: 'k', dropId: 'b', select: { limit: 5 } }));
    expect(answer).toEqual({ status: 202, fixIds: [expect.any(String)] });
    const [fixId = ''] = answer.fixIds ?? [];
    const [proposed] = await under.factsOf(`fix.${fixId}`);
    expect(proposed).toMatchObject({
      type: 'FixProposed',
      data: {
        fixId,
        kernelId: 'k',
        baseTree: treeA,
        source: { kind: 'commit', dropId: 'b', commit: first?.commit },
        subject: 'pipe: unlock the inode in pipe_release()',
        cves: ['CVE-2026-1234'],
        paths: ['fs/pipe.c'],
      },
    });
    if (proposed?.type !== 'FixProposed') throw new Error('not proposed');
    expect(await under.trees.applyPatch(treeA, await under.blobs.read(proposed.data.patch))).toBe(first?.tree);
    const named = { kernelId: 'k', dropId: 'b', select: { commits: [first?.commit, second?.commit] } };
    expect((await answerOf(await under.post(named))).fixIds).toEqual([fixId, expect.any(String)]);
    expect(await under.factsOf(`fix.${fixId}`)).toHaveLength(1);
  });

  it('may be a patch of one’s own', async () => {
    const { treeA } = await splitStep();
    await kernel();
    const { status, fixIds } = await answerOf(await under.post({ ...own(patch), baseDropId: 'a' }));
    expect(status).toBe(202);
    expect(await under.factsOf(`fix.${fixIds?.[0] ?? ''}`)).toMatchObject([
      {
        type: 'FixProposed',
        data: { baseTree: treeA, source: { kind: 'patch' }, paths: ['mm/other.c'], confidence: 1 },
      },
    ]);
  });

  it('is refused, the wrong field named', async () => {
    await splitStep();
    await under.receive('c');
    await kernel('a');
    const ask = async (body: object): Promise<unknown[]> => {
      const { status, code, errors } = await answerOf(await under.post(body));
      return [status, code, ...(errors ?? []).map(({ pointer }) => pointer)];
    };
    expect(await ask({})).toEqual([422, 'invalid-request', '/kernelId']);
    expect(await ask({ kernelId: 'k' })).toEqual([422, 'invalid-request', '/dropId']);
    expect(await ask({ ...own(patch), dropId: 'b' })).toEqual([422, 'invalid-request', '/dropId']);
    expect(await ask({ kernelId: 'nobody', dropId: 'b' })).toEqual([422, 'invalid-request', '/kernelId']);
    expect(await ask({ kernelId: 'k', dropId: 'nobody' })).toEqual([422, 'invalid-request', '/dropId']);
    expect(await ask({ kernelId: 'k', baseDropId: 'nobody', dropId: 'b' })).toEqual([
      422,
      'invalid-request',
      '/baseDropId',
    ]);
    expect(await ask({ kernelId: 'k', dropId: 'a' })).toEqual([409, 'drop-not-split']);
    expect(await ask({ kernelId: 'k', baseDropId: 'c', dropId: 'b' })).toEqual([409, 'drop-not-unpacked']);
    const commits = { commits: ['f'.repeat(40)] };
    expect(await ask({ kernelId: 'k', dropId: 'b', select: commits })).toEqual([
      422,
      'invalid-request',
      '/select/commits/0',
    ]);
    expect(await ask(own('no patch'))).toEqual([422, 'patch-does-not-apply', '/patch/text']);
    expect(await ask(own(patch.replace('return 1', 'return 9')))).toEqual([422, 'patch-does-not-apply', '/patch/text']);
    expect((await under.post({}, 'nobody')).status).toBe(401);
  });

  it('needs to be told the source of a kernel that names none', async () => {
    await splitStep();
    await kernel();
    const { status, errors } = await answerOf(await under.post({ kernelId: 'k', dropId: 'b' }));
    expect([status, errors?.[0]?.pointer]).toEqual([422, '/baseDropId']);
  });
});
