import fc from 'fast-check';
import { parseMail } from '../candidates/parse-mail.js';
import { IndexBuilder } from './build-index.js';
import { decodeIndex, encodeIndex } from './commit-index.js';
import { StepKeys } from './promising.js';

const ids = ['1', '2', '3', '4'].map((digit) => digit.repeat(40));

const mail = (subject: string, diff: string): string =>
  `From ${ids[0]} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: ${subject}\n\n---\n${diff}`;
const edit = (path: string, removed: string, added: string): string =>
  `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-${removed}\n+${added}\n`;

function smallIndex() {
  const builder = new IndexBuilder();
  builder.add(ids[0] ?? '', parseMail(mail('net: one', edit('net/a.c', 'call(alpha);', 'call(beta);'))));
  builder.add(ids[1] ?? '', parseMail(mail('net: two', edit('net/b.c', 'other(alpha);', 'other(beta);'))));
  builder.add(ids[2] ?? '', parseMail(mail('net: three', 'diff --git a/x b/x\nold mode 100644\nnew mode 100755\n')));
  builder.add(ids[3] ?? '', undefined);
  return builder.build();
}

const step = (subjects: string[], path: string, before: string, after: string): StepKeys => {
  const keys = new StepKeys(subjects);
  keys.addFile({ path, before: [`${before}\n`], after: [`${after}\n`] });
  return keys;
};

test('a commit is promising by its lines, by its subject, or by a change of mode', () => {
  const index = smallIndex();
  expect(step([], 'net/a.c', 'call(alpha);', 'call(beta);').promising(index)).toEqual([ids[0]]);
  expect(step([], 'moved/a.c', 'call(alpha);', 'call(beta);').promising(index)).toEqual([ids[0]]);
  expect(step([], 'net/a.c', 'call(beta);', 'call(alpha);').promising(index)).toEqual([]);
  expect(step(['Two'], 'net/a.c', 'call(beta);', 'call(alpha);').promising(index)).toEqual([ids[1]]);
  expect(step([], 'x', 'int alpha;', 'int beta;').promising(index)).toEqual([ids[2]]);
});

test('what was written is read; one byte less, more or other is no index', () => {
  const bytes = encodeIndex(smallIndex());
  expect(decodeIndex(bytes)).toEqual(smallIndex());
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ by, at);
      expect(decodeIndex(damaged)).toBeUndefined();
      expect(decodeIndex(bytes.subarray(0, at))).toBeUndefined();
    }),
  );
});
