import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readElf, sectionNamed } from '#libs/elf';
import { KernelImageError } from '#libs/kernelimage';
import { compareTypes } from './compare.js';
import { typesOf } from './types.js';

const folder = mkdtempSync(join(tmpdir(), 'splicecast-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const source = `enum e { A, B }; struct s { int a; struct { union { long b; struct { char c, d[3]; }; }; } in[2]; enum e e; };
  struct t { struct s s, *p; int (*f)(struct s *, enum e); unsigned x : 3, y : 5; } it; int f(struct s *s) { return s->a; }`;

function objectWithTypes(): Buffer {
  writeFileSync(join(folder, 'a.c'), source);
  execFileSync('gcc-12', ['-gbtf', '-c', '-o', join(folder, 'a.o'), join(folder, 'a.c')]);
  return readFileSync(join(folder, 'a.o'));
}

test('mutated types end in an error or in an answer, never in a hang', () => {
  const object = objectWithTypes();
  const whole = typesOf(object);
  const section = sectionNamed(readElf(object), '.BTF');
  if (whole === undefined || section === undefined) throw new Error('no types');
  let answered = 0;
  const mutations = fc.array(fc.tuple(fc.nat(section.data.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(mutations, (bytes) => {
      const mutated = Buffer.from(object);
      for (const [at, byte] of bytes) mutated[section.offset + at] = byte;
      try {
        const types = typesOf(mutated);
        if (types === undefined) return;
        compareTypes('a.o', whole, types);
        compareTypes('a.o', types, whole);
        answered++;
      } catch (error) {
        expect(error).toBeInstanceOf(KernelImageError);
      }
    }),
    { numRuns: 2000 },
  );
  expect(answered).toBeGreaterThan(100);
});
