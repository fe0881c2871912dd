import { ObjectBuilder, SectionFlag, SectionType } from '#libs/elf';
import { readModuleFile } from './module-file.js';

const vermagic = '6.1.0-9-amd64 SMP preempt mod_unload modversions ';

function moduleOf(...tags: string[]): Buffer {
  const builder = new ObjectBuilder();
  const data = Buffer.from(tags.map((tag) => `${tag}\0`).join(''));
  builder.addSection({
    name: '.modinfo',
    type: SectionType.PROGBITS,
    flags: SectionFlag.ALLOC,
    entrySizeBytes: 0,
    align: 1,
    data,
  });
  return Buffer.from(builder.build());
}

test('a module tells its own name', () => {
  expect(readModuleFile(moduleOf('license=GPL', 'name=outside', `vermagic=${vermagic}`), vermagic).name).toBe(
    'outside',
  );
});

test.each([
  ['without a name', moduleOf(`vermagic=${vermagic}`), 'bad-module'],
  ['with a path for a name', moduleOf('name=../x', `vermagic=${vermagic}`), 'bad-module'],
  ['of another kernel', moduleOf('name=outside', 'vermagic=6.1.0-8-amd64 SMP preempt'), 'bad-module'],
  ['without .modinfo', Buffer.from(new ObjectBuilder().build()), 'bad-module'],
  ['that is none', Buffer.from('no ELF file at all'), 'bad-vmlinux'],
])('a module %s is refused', (_what, bytes, code) => {
  expect(() => readModuleFile(bytes, vermagic)).toThrow(expect.objectContaining({ code }));
});
