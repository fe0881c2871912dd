import { FixtureFeed, license } from './fixture/feed.fixture.js';
import { FixtureMachine, fixtureFix } from './fixture/machine.fixture.js';

/** Fails the n-th step of everything that leaves a mark, before or after it left it, as a kill would; counts the steps. */
function killAtStep(machine: FixtureMachine, step: number, when: 'before' | 'after'): () => number {
  const { state, loader } = machine.context;
  let steps = 0;
  const deadly = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const now = ++steps === step;
      if (now && when === 'before') throw new Error('killed');
      const result = await work(...args);
      if (now) throw new Error('killed');
      return result;
    };
  };
  state.journal.append = deadly(state.journal.append.bind(state.journal));
  state.reported.write = deadly(state.reported.write.bind(state.reported));
  state.bundles.keep = deadly(state.bundles.keep.bind(state.bundles));
  state.offers.write = deadly(state.offers.write.bind(state.offers));
  loader.load = deadly(loader.load.bind(loader));
  loader.reverse = deadly(loader.reverse.bind(loader));
  return () => steps;
}

const survive = async (work: () => Promise<unknown>) => {
  await work().catch((error: Error) => {
    if (error.message !== 'killed') throw error;
  });
};

/** Runs a machine through a life in which it is killed once; afterwards it must stand as if nothing had happened. */
async function liveThrough(step: number, when: 'before' | 'after'): Promise<{ steps: number; end: object }> {
  const machine = await FixtureMachine.create();
  const feed = new FixtureFeed();
  try {
    const url = await feed.start();
    await machine.agent.register({ url, license, trust: feed.trust, repin: false });
    const fixes = [fixtureFix('one', ['f']), fixtureFix('three', ['g'])];
    const ids: string[] = [];
    for (const { manifest, module } of fixes) ids.push(await feed.publish(manifest, module));
    const steps = killAtStep(machine, step, when);
    await survive(async () => machine.agent.upgrade());
    // An apply that was interrupted is tried again after a while.
    machine.at = new Date(machine.at.getTime() + 4 * 60_000);
    await survive(async () => machine.agent.upgrade());
    feed.recall(ids[0] ?? '', 'worse');
    await survive(async () => machine.agent.upgrade());
    await survive(async () => machine.agent.upgrade());
    const { state, applied, reportsWaiting } = await machine.agent.status();
    const last = new Map(feed.reports.map(({ type, data }) => [data.bundleId, type]));
    const end = {
      state,
      applied: applied.map(({ module }) => module),
      inKernel: await machine.modules(),
      reportsWaiting,
      told: ids.map((id) => last.get(id)),
    };
    return { steps: steps(), end };
  } finally {
    await feed.stop();
    await machine.remove();
  }
}

describe('an agent that is killed between any two steps', () => {
  it.each(['before', 'after'] as const)(
    '(%s the mark) ends where it would have ended',
    async (when) => {
      const whole = {
        state: 'current',
        applied: ['three'],
        inKernel: ['three'],
        reportsWaiting: 0,
        told: ['UpdateReversed', 'UpdateApplied'],
      };
      let steps = 100;
      for (let step = 1; step <= steps; step++) {
        const life = await liveThrough(step, when);
        if (step === 1) ({ steps } = await liveThrough(10_000, when));
        expect({ step, ...life.end }).toEqual({ step, ...whole });
      }
      expect(steps).toBeGreaterThan(12);
    },
    120_000,
  );
});
