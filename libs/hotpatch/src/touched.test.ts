import { touchedBy } from './touched.js';

const touch = (...paths: string[]): ReturnType<typeof touchedBy> =>
  touchedBy(
    paths.map((path) => ({ path, kind: 'modified' as const })),
    'x86',
  );

test('sorts paths by what they mean for the code', () => {
  const touched = touch(
    'fs/a.c',
    'fs/internal.h',
    'Documentation/a.rst',
    'arch/arm/b.c',
    'tools/c.c',
    'fs/Kconfig',
    'Makefile',
  );
  expect(touched.sources).toEqual(['fs/a.c']);
  expect(touched.included).toEqual(['fs/internal.h']);
  expect(touched.inert.map(({ object, code }) => [object, code])).toEqual([
    ['Documentation/a.rst', 'no-code'],
    ['arch/arm/b.c', 'other-architecture'],
    ['tools/c.c', 'no-code'],
    ['fs/Kconfig', 'no-code'],
    ['Makefile', 'no-code'],
  ]);
  expect(touched.refusals).toEqual([]);
});

test.each([
  ['fs/Makefile', 'build-description-changed'],
  ['include/generated/autoconf.h', 'generated-header'],
  ['arch/x86/include/generated/asm/unistd_32_ia32.h', 'generated-header'],
  ['arch/x86/entry/entry_64.S', 'assembly-changed'],
])('refuses %s with %s', (path, code) => {
  expect(touch(path).refusals).toEqual([expect.objectContaining({ code, object: path })]);
});

test.each(['include/linux/fs.h', 'arch/x86/include/asm/page.h', 'fs/ext4/ext4.h'])(
  'looks for those who include %s',
  (path) => {
    expect(touch(path)).toMatchObject({ included: [path], refusals: [] });
  },
);

test('refuses objects that come or go', () => {
  const { refusals } = touchedBy(
    [
      { path: 'fs/new.c', kind: 'added' },
      { path: 'fs/old.c', kind: 'deleted' },
    ],
    'x86',
  );
  expect(refusals.map(({ code }) => code)).toEqual(['object-added', 'object-removed']);
});
