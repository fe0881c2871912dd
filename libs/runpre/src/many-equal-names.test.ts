import { ElfError, ObjectBuilder, readElf, SectionFlag, SectionType, SymbolType } from '#libs/elf';
import { matchAgainst } from './match.js';
import { type RunningCode, runningModule } from './running.js';

/** An object of so many functions of one name, whose code is the same. */
function equalFunctions(count: number): Uint8Array {
  const builder = new ObjectBuilder();
  const flags = SectionFlag.ALLOC | SectionFlag.EXECINSTR;
  const data = Uint8Array.of(0x31, 0xc0, 0xc3);
  for (let index = 0; index < count; index++) {
    const section = builder.addSection({ name: '.text.f', type: SectionType.PROGBITS, flags, align: 1, data });
    builder.addSymbol({ name: 'f', binding: 0, type: SymbolType.FUNC, section, value: 0, sizeBytes: data.length });
  }
  return builder.build();
}

/** What is asked of the running code: places looked for or given, and code read. */
function counting(running: RunningCode): { readonly running: RunningCode; readonly asked: () => number } {
  let count = 0;
  return {
    asked: () => count,
    running: {
      places(name) {
        const places = running.places(name);
        count += 1 + places.length;
        return places;
      },
      from(place) {
        count += 1;
        return running.from(place);
      },
    },
  };
}

function stepsFor(functions: number): { readonly outcome: string; readonly steps: number } {
  const bytes = equalFunctions(functions);
  const { running, asked } = counting(runningModule(readElf(bytes)));
  try {
    const { mismatches } = matchAgainst(bytes, running);
    return { outcome: mismatches[0]?.code ?? 'matched', steps: asked() };
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    return { outcome: error.code, steps: asked() };
  }
}

test('as many equal functions as a kernel has are compared with each other', () => {
  const { outcome, steps } = stepsFor(100);
  expect(outcome).toBe('ambiguous');
  expect(steps).toBeGreaterThan(100 * 100);
});

test('thousands of them are refused after work in proportion to the object', () => {
  const [some, more] = [stepsFor(5_000), stepsFor(20_000)];
  expect([some.outcome, more.outcome]).toEqual(['too-large', 'too-large']);
  expect(more.steps).toBeLessThan(5 * some.steps);
  expect(more.steps).toBeLessThan(2 * equalFunctions(20_000).length + (1 << 17));
});
