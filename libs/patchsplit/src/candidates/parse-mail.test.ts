import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { patchedBinary } from './binary.js';
import { CandidateError } from './candidate.js';
import { beginsMessage, parseMail } from './parse-mail.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'candidates-'));
  git('init', '--quiet', '--initial-branch=main');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function git(...args: string[]): string {
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: folder,
    GIT_AUTHOR_NAME: 'Zoë Author',
    GIT_AUTHOR_EMAIL: 'z@example.org',
    GIT_AUTHOR_DATE: '2026-03-01T12:00:00Z',
    GIT_COMMITTER_NAME: 'c',
    GIT_COMMITTER_EMAIL: 'c@example.org',
  };
  return execFileSync('git', ['-C', folder, ...args], { env, encoding: 'latin1' });
}

const commit = (message: string): string => {
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
  return git('format-patch', '--stdout', '--binary', '--full-index', '-M', '--root', '-1');
};
const write = (name: string, content: string | Buffer): void => writeFileSync(join(folder, name), content);
const codeOf = (text: string): string => {
  try {
    parseMail(text);
  } catch (error) {
    return error instanceof CandidateError ? error.code : String(error);
  }
  return 'none';
};

const nothing = { method: 'delta' as const, data: Buffer.alloc(0) };

describe('patches as git writes them', () => {
  test('author, date, subject and body; odd names, CRLF, no newline at the end', () => {
    write('ü "q".c', 'one\r\ntwo\nend');
    const mail = commit(
      'foo: handle a long ünïcode subject that git folds over several lines of its header [x]\n\nBody.\n',
    );
    const id = git('rev-parse', 'HEAD').trim();
    expect(parseMail(mail)).toMatchObject({
      id,
      author: { name: 'Zoë Author', email: 'z@example.org', at: new Date('2026-03-01T12:00:00Z') },
      subject: 'foo: handle a long ünïcode subject that git folds over several lines of its header [x]',
      body: 'Body.',
    });
    const [file] = parseMail(mail).files;
    expect(file).toMatchObject({ to: Buffer.from('ü "q".c').toString('latin1'), mode: '100644' });
    expect(file?.from).toBeUndefined();
    expect(file?.hunks[0]?.lines).toEqual(['one\r\n', 'two\n', 'end']);
  });

  test('a moved file that is run, and a binary both ways', () => {
    const before = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919) & 0xff));
    const after = Buffer.concat([before.subarray(0, 3000), Buffer.from([0, 9, 9]), before.subarray(3000)]);
    write('run', 'a\nb\nc\nd\n');
    write('blob', before);
    expect(patchedBinary(Buffer.alloc(0), parseMail(commit('base')).files[0]?.binary ?? nothing)).toEqual(before);
    git('mv', 'run', 'walk');
    git('update-index', '--chmod=+x', 'walk');
    write('blob', after);
    git('add', 'blob');
    git('commit', '--quiet', '--message', 'move');
    const [blob, moved] = parseMail(git('format-patch', '--stdout', '--binary', '-M', '-1')).files;
    expect(moved).toMatchObject({ from: 'run', to: 'walk', mode: '100755', oldMode: '100644', copied: false });
    expect(patchedBinary(before, blob?.binary ?? nothing)).toEqual(after);
  });
});

const diff = (path: string, hunk = '@@ -1 +1 @@\n-a\n+b\n'): string =>
  `From: a <a@b>\nSubject: x\n\n---\ndiff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n${hunk}`;

describe('what is no patch', () => {
  test.each([
    ['a letter', 'From: a <a@b>\nSubject: hello\n\nNothing here.\n', 'no-patch'],
    ['a path out of the tree', diff('../etc/passwd'), 'malformed'],
    ['a path into git', diff('.git/hooks/x'), 'malformed'],
    ['a hunk that ends early', diff('x', '@@ -1,9 +1,9 @@\n a\n'), 'malformed'],
    ['a hunk of other lines', diff('x', '@@ -1 +1 @@\n*a\n+b\n'), 'malformed'],
    ['a binary of nonsense', diff('x', 'GIT binary patch\nliteral 10\nzzzzzzzzzzz\n\n'), 'malformed'],
    ['one that is fine', diff('x'), 'none'],
  ])('%s', (_, text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  test('whatever is changed in a patch, it is read or refused by code', () => {
    const good = diff('dir/x.c', '@@ -1,3 +1,3 @@ int f(void)\n a\n-b\n+c\n d\n');
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 20 }), (at, cut, text) => {
        expect(['none', 'no-patch', 'malformed', 'too-large']).toContain(
          codeOf(good.slice(0, at) + text + good.slice(at + cut)),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('only a line that a mailbox has begins a message', () => {
    expect(beginsMessage(`From ${'a'.repeat(40)} Mon Sep 17 00:00:00 2001`)).toBe(true);
    expect(beginsMessage('From here on, it is a sentence.')).toBe(false);
  });
});
