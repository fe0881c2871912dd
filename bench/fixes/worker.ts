// Builds fixes one after the other, as its parent asks: a process of its own, so that one that hangs can be ended.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOutcome, buildSeriesFix, SeriesHistory } from '#libs/hotpatch';
import { loadProfile } from '#libs/kernelimage';
import { type SeriesEntry, SeriesReader } from '#libs/trees';
import type { FixOutcome, WorkerSetup } from './outcome.js';
import { askYardstick } from './yardstick.js';

function told(commit: SeriesEntry, outcome: BuildOutcome, seconds: number): FixOutcome {
  const { subject, paths } = commit;
  const objects = outcome.objects.map(({ path }) => path);
  const common = { commit: commit.commit, subject, paths, objects, brings: outcome.brings ?? [], seconds };
  if (outcome.outcome === 'built') {
    const functions = outcome.functions.map(({ object, symbol }) => `${object}:${symbol}`);
    const { warnings, module } = outcome;
    return { ...common, outcome: 'made', reasons: [], warnings, functions, sizeBytes: module.bytes.length };
  }
  const { stage, reasons } = outcome;
  const unchanged = stage === 'diff' && reasons.every(({ code }) => code === 'no-change');
  return { ...common, outcome: unchanged ? 'no-change' : 'refused', stage, reasons, warnings: [], functions: [] };
}

async function serve({ kernel, series: repository, modules, yardstick }: WorkerSetup): Promise<void> {
  const profile = await loadProfile(kernel);
  const series = await SeriesReader.open(repository);
  const history = new SeriesHistory(series);
  const answer = async (id: string): Promise<FixOutcome> => {
    const commit = series.commits.find((one) => one.commit === id);
    if (commit === undefined) throw new TypeError(`no commit ${id}`);
    const start = performance.now();
    const moduleName = `fix_${id.slice(0, 12)}`;
    const outcome = await buildSeriesFix({ profile, history, commits: [id], moduleName, replace: false });
    const result = told(commit, outcome, (performance.now() - start) / 1000);
    if (modules !== undefined && outcome.outcome === 'built') {
      await mkdir(modules, { recursive: true });
      await writeFile(join(modules, `${outcome.module.name}.ko`), outcome.module.bytes);
    }
    if (yardstick === undefined || outcome.objects.length === 0) return result;
    return { ...result, yardstick: await askYardstick(yardstick, profile, outcome.objects) };
  };
  process.on('message', (id: string) => {
    void answer(id).then(
      (result) => process.send?.(result),
      (error: unknown) =>
        process.send?.({ crashed: error instanceof Error ? (error.stack ?? error.message) : 'unknown' }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}

await serve(JSON.parse(process.argv[2] ?? '{}') as WorkerSetup);
