import { parseArgs } from 'node:util';

/** How the demo was asked to run. */
export interface DemoOptions {
  /** How many fixes of the drop to build, besides the canary. */
  readonly fixes: number;
  /** Leave the service up afterwards. */
  readonly keep: boolean;
  readonly help: boolean;
}

export const usage = `npm run demo -- [options]

  --fixes N   build N fixes of the newer sources, besides the project's own canary (default 12)
  --keep      leave the service up afterwards, and say how to reach and stop it
  --help      this text
`;

/** Reads the command line. @throws TypeError that says what is wrong. */
export function demoOptions(argv: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      fixes: { type: 'string', default: '12' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const fixes = Number(values.fixes);
  if (!Number.isInteger(fixes) || fixes < 0 || fixes > 500) throw new TypeError('--fixes takes a number from 0 to 500');
  return { fixes, keep: values.keep, help: values.help };
}
