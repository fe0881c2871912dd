import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusalOf, StoreUnderTest } from './under-test.js';

let under: StoreUnderTest;
const path = process.env['PATH'];
beforeEach(() => (under = new StoreUnderTest()));
afterEach(() => {
  process.env['PATH'] = path;
  under.remove();
});

/** Puts a git before the real one whose fast-import runs a script instead; every other command is git's own. */
function importBy(script: string): void {
  const folder = join(under.root, 'bin');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'git'),
    `#!/bin/sh\ncase "$*" in *fast-import*) ${script};; *) PATH='${path}' exec git "$@";; esac\n`,
  );
  chmodSync(join(folder, 'git'), 0o755);
  process.env['PATH'] = `${folder}:${path}`;
}

it.each([
  [
    'the disk is full',
    'head -c 1000000 >/dev/null; echo "fatal: write error. Out of diskspace" >&2; exit 128',
    'no-space',
  ],
  ['it breaks', 'head -c 1000000 >/dev/null; echo "fatal: oops" >&2; exit 128', 'tree-store-failed'],
  ['it is killed', 'kill -9 $$', 'tree-store-failed'],
  ['it ends at once', 'exit 1', 'tree-store-failed'],
])('a tree is refused and leaves nothing when git can not write it: %s', async (_what, script, code) => {
  importBy(script);
  const writer = await under.store.writeTree();
  const writing = async (): Promise<void> => {
    for (let n = 0; n < 40; n += 1) await writer.add(`file-${n}`, '100644', Buffer.alloc(100_000, n));
    await writer.finish();
  };
  expect((await refusalOf(writing())).code).toBe(code);
  await writer.abort();
  expect(readdirSync(join(under.dir, 'incoming'))).toEqual([]);
  expect(readdirSync(join(under.dir, 'objects/pack'))).toEqual([]);
});

it('a series is refused and leaves nothing when git ends early', async () => {
  const tree = await under.write({ a: 'x' });
  importBy('exit 1');
  const author = { name: 'a', email: 'a', at: new Date(0) };
  expect((await refusalOf(under.store.commitSeries({ author, message: 'x', tree }, []))).code).toBe(
    'tree-store-failed',
  );
  expect(readdirSync(join(under.dir, 'incoming'))).toEqual([]);
});
