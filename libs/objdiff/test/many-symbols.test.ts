import { ObjectBuilder, SectionFlag, SectionType, SymbolBinding, SymbolType } from '#libs/elf';
import { diffObjects } from '#libs/objdiff';

function objectOf(symbols: number): Uint8Array {
  const builder = new ObjectBuilder();
  const data = new Uint8Array(symbols);
  const flags = SectionFlag.ALLOC | SectionFlag.WRITE;
  const section = builder.addSection({ name: '.data.x', type: SectionType.PROGBITS, flags, align: 1, data });
  for (let value = 0; value < symbols; value++)
    builder.addSymbol({
      name: `x${value}`,
      binding: SymbolBinding.GLOBAL,
      type: SymbolType.OBJECT,
      section,
      value,
      sizeBytes: 1,
    });
  return builder.build();
}

test('an object of more symbols than any compiler makes is refused before it takes their memory', () => {
  const object = objectOf(100_000);
  const found = diffObjects({ objectFile: 'x.o', owner: 'vmlinux', original: object, patched: object });
  expect(found).toMatchObject({ outcome: 'refused' });
  const reasons = found.outcome === 'refused' ? found.reasons : [];
  expect(reasons.map(({ code }) => code)).toEqual(['not-an-object', 'not-an-object']);
  expect(reasons[0]?.reason).toContain('more functions and variables than an object of its size has');
});

test('one of many symbols is read', () => {
  const object = objectOf(5000);
  const found = diffObjects({ objectFile: 'x.o', owner: 'vmlinux', original: object, patched: object });
  expect(found.outcome).toBe('no-change');
});
