import { setTimeout as sleep } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { z } from 'zod';
import { connect } from '../connection.js';
import { printError, printJson, printLines, printTable } from '../output.js';

const pollMs = 500;

const rebuildSchema = z.looseObject({
  state: z.string(),
  position: z.int(),
  target: z.int(),
  events: z.int(),
  eventsPerSecond: z.int(),
  secondsLeft: z.int().optional(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  comparison: z
    .looseObject({
      position: z.int(),
      equal: z.boolean(),
      rows: z.int(),
      digests: z.object({ serving: z.string(), rebuilt: z.string() }),
      different: z.array(z.looseObject({ table: z.string() })),
    })
    .optional(),
  error: z.string().optional(),
});
type Rebuild = z.infer<typeof rebuildSchema>;

interface Options {
  readonly compareOnly?: boolean;
  readonly json?: boolean;
}

/** `splicectl catalog rebuild`: exit 0 rebuilt (or, compared only, equal), 1 failed, 2 compared only and different. */
export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description('fold the whole log once more beside what serves, compare, and have the new tables serve')
    .option('--compare-only', 'say whether they are equal, and leave what serves in its place')
    .option('--json', 'for programs')
    .action(async ({ compareOnly, json }: Options, self: Command) => {
      const client = connect(self);
      const path = '/v1/catalog/rebuild';
      let last = await client.post(path, { compareOnly: compareOnly === true }, rebuildSchema);
      const { startedAt } = last;
      const bar = new RebuildBar(process.stderr);
      while (last.endedAt === undefined && last.startedAt === startedAt) {
        bar.show(last);
        await sleep(pollMs);
        last = await client.get(path, rebuildSchema);
      }
      bar.stop();
      if (last.startedAt !== startedAt) {
        self.error('the service was started anew meanwhile: what served before serves still; begin again', {
          exitCode: 1,
        });
      }
      if (json) printJson(last);
      else tell(last);
      process.exitCode = exitCodeOf(last, compareOnly === true);
    });
}

function exitCodeOf({ state, comparison }: Rebuild, compareOnly: boolean): number {
  if (state === 'failed') return 1;
  return compareOnly && comparison?.equal === false ? 2 : 0;
}

function tell({ state, position, error, comparison }: Rebuild): void {
  if (comparison !== undefined) {
    const { equal, rows, digests, different } = comparison;
    const verdict = equal ? 'equal' : 'different';
    printLines(
      `${verdict}: ${rows} rows as of position ${comparison.position}`,
      `  serving  ${digests.serving}`,
      `  rebuilt  ${digests.rebuilt}`,
    );
    const columns = ['table', 'serving', 'rebuilt', 'onlyServing', 'onlyRebuilt', 'changed'];
    if (different.length > 0) printTable(columns, different);
  }
  if (state === 'failed') printError(`the rebuild failed, and what served before serves still: ${error}`);
  else if (state === 'switched') printLines(`the rebuilt tables serve, from position ${position} on`);
  else printLines('what served before serves still, as was asked');
}

/** Shows how far it is where somebody watches, and nothing in a log. */
class RebuildBar {
  private bar: SingleBar | undefined;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show({ state, position, target, eventsPerSecond, secondsLeft }: Rebuild): void {
    if (!this.stream.isTTY) return;
    const left = secondsLeft === undefined ? '' : `, ${secondsLeft} s left`;
    const text = { phase: state.padEnd(9), pace: state === 'folding' ? `${eventsPerSecond} events/s${left}` : '' };
    if (this.bar === undefined) {
      const format = '{phase} {bar} {value}/{total}  {pace}';
      this.bar = new SingleBar({ format, stream: this.stream, hideCursor: true });
      this.bar.start(target, position, text);
    }
    this.bar.setTotal(target);
    this.bar.update(position, text);
  }

  stop(): void {
    this.bar?.stop();
  }
}
