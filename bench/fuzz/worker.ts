// Runs cases as its parent asks: a process of its own, so that one that hangs or eats the memory can be ended.
import { judge } from './judge.js';
import { inputOf, isSound, loadTargets } from './targets.js';

export interface Case {
  readonly target: string;
  readonly index: number;
}

async function serve(seeds: string, scratch: string, seed: number): Promise<void> {
  const targets = new Map((await loadTargets(seeds, scratch)).map((target) => [target.name, target]));
  const answer = async ({ target: name, index }: Case): Promise<void> => {
    const target = targets.get(name);
    if (target === undefined) throw new TypeError(`no target ${name}`);
    const verdict = await judge(target, await inputOf(target, seed, index));
    const refused = isSound(target, index) && verdict.outcome !== 'read';
    const failure = verdict.failure ?? `a sound input is refused: ${verdict.outcome}`;
    process.send?.(refused ? { ...verdict, outcome: 'failed', failure } : verdict);
  };
  process.on('message', (message: Case) => void answer(message));
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}

const [, , seeds = '', scratch = '', seed = '1'] = process.argv;
await serve(seeds, scratch, Number(seed));
