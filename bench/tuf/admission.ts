// A process of the agent's that lets a bundle in: once as it comes to it or as its daemon would, then again and again.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Loader } from '#libs/loader';
import { StateFolder } from '../../apps/agent/src/adapters/state-folder.js';
import { admit } from '../../apps/agent/src/admission.js';
import { Agent } from '../../apps/agent/src/agent.js';
import type { AgentContext } from '../../apps/agent/src/context.js';
import type { Offer } from '../../apps/agent/src/domain/plan.js';
import { type Grounds, groundsOf } from '../../apps/agent/src/grounds.js';
import { prepare } from '../../apps/agent/src/preparation.js';
import { type Cost, costOf, medianCost } from './cost.js';

const warmRounds = 15;

/** What letting a bundle in takes, and of that, what has to do with the metadata and with the kernel's symbols. */
export interface Admission {
  readonly all: Cost;
  readonly metadata: Cost;
  readonly symbols: Cost;
}

/** What this process is told: the machine's root folder, and the bundle. */
export interface Asked {
  readonly root: string;
  readonly offer: Offer;
  readonly artefact: string;
  /** First it does what the daemon does before anything new can come in: it prepares, and checks in. */
  readonly starts: boolean;
}

/** What it found: its preparing; the first in the process; later ones; and later ones that read the kernel's symbols anew. */
export interface Admissions {
  readonly preparing: Cost;
  readonly first: Admission;
  readonly again: Admission;
  readonly symbolsAnew: Admission;
}

const now = (): Date => new Date();

function contextOf(root: string): AgentContext {
  const state = new StateFolder(join(root, 'state'), root, now);
  return { state, loader: new Loader({ root }), now, log: () => undefined, transitionTimeoutMs: 1000 };
}

async function letIn(context: AgentContext, offer: Offer, bytes: Buffer): Promise<Admission> {
  const taken: { metadata?: Cost; symbols?: Cost } = {};
  const timed = async <T>(what: 'metadata' | 'symbols', act: () => Promise<T>): Promise<T> => {
    const answer: { value?: T } = {};
    taken[what] = await costOf(async () => void (answer.value = await act()));
    return answer.value as T;
  };
  const all = await costOf(async () => {
    const grounds = await groundsOf(context, await context.loader.runningKernel());
    const measured: Grounds = {
      ...grounds,
      metadata: (asOf) => timed('metadata', () => grounds.metadata(asOf)),
      symbols: (asked) => timed('symbols', () => grounds.symbols(asked)),
    };
    await admit({ offer, wasAdmitted: false, bring: async () => bytes }, measured);
  });
  const nothing = { ms: 0, cpuMs: 0 };
  return { all, metadata: taken.metadata ?? nothing, symbols: taken.symbols ?? nothing };
}

function medianOf(some: readonly Admission[]): Admission {
  const of = (what: keyof Admission): Cost => medianCost(some.map((one) => one[what]));
  return { all: of('all'), metadata: of('metadata'), symbols: of('symbols') };
}

async function main({ root, offer, artefact, starts }: Asked): Promise<Admissions> {
  const bytes = await readFile(artefact);
  const context = contextOf(root);
  const preparing = await costOf(async () => (starts ? prepare(context) : undefined));
  if (starts) await new Agent(context).refresh();
  const first = await letIn(context, offer, bytes);
  const [again, symbolsAnew]: [Admission[], Admission[]] = [[], []];
  for (let round = 0; round < warmRounds; round++) {
    again.push(await letIn(context, offer, bytes));
    symbolsAnew.push(await letIn(contextOf(root), offer, bytes));
  }
  return { preparing, first, again: medianOf(again), symbolsAnew: medianOf(symbolsAnew) };
}

process.once('message', (asked: Asked) => {
  void main(asked).then((found) => process.send?.(found, () => process.disconnect()));
});
