import { parseArgs } from 'node:util';

export const usage = `usage: npm run bench:feed -- [--agents N] [--streams N] [--rounds N] [--check-ins N] [--only PART] [--profile DIR] [--json]

  --agents N     connections, of the service's and of the plain server's (10000; each process may need as many files: ulimit -n)
  --streams N    machines that listen by server-sent events (1000)
  --rounds N     how often each is measured, in turn (7)
  --check-ins N  of each round (3000)
  --only PART    fan-out, streams, check-ins or restart alone; several times for several
  --profile DIR  writes where the feed's processor time goes, for the developer tools of a browser
`;

export const parts = ['fan-out', 'streams', 'check-ins', 'restart'] as const;
export type Part = (typeof parts)[number];

export interface Asked {
  readonly agents: number;
  readonly streams: number;
  readonly rounds: number;
  readonly checkIns: number;
  readonly only: readonly Part[];
  readonly profile?: string;
  readonly json: boolean;
}

/** An option with a default, as `parseArgs` takes it. */
const text = (value: string) => ({ type: 'string', default: value }) as const;

/** What was asked for on the command line. @throws TypeError */
export function options(): Asked {
  const { values } = parseArgs({
    options: {
      agents: text('10000'),
      streams: text('1000'),
      rounds: text('7'),
      'check-ins': text('3000'),
      only: { type: 'string', multiple: true, default: [...parts] },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const bounded = (name: 'agents' | 'streams' | 'rounds' | 'check-ins', min: number, max: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < min || value > max) throw new TypeError(`--${name}: ${min} to ${max}`);
    return value;
  };
  const only = values.only.map((name) => {
    const part = parts.find((one) => one === name);
    if (part === undefined) throw new TypeError(`--only: ${parts.join(', ')}`);
    return part;
  });
  return {
    agents: bounded('agents', 10, 15_000),
    streams: bounded('streams', 1, 5_000),
    rounds: bounded('rounds', 1, 31),
    checkIns: bounded('check-ins', 100, 50_000),
    only,
    ...(values.profile === undefined ? {} : { profile: values.profile }),
    json: values.json,
  };
}
