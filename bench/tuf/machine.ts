import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTargetName, recallListPath } from '#libs/contracts';
import { MemoryFiles, Repository, standardPolicy, targetFileName } from '#libs/tuf';
import { FixtureFeed, license } from '../../apps/agent/src/fixture/feed.fixture.js';
import { FixtureMachine, fixtureFix, release } from '../../apps/agent/src/fixture/machine.fixture.js';
import { nextMessage } from '../child-message.js';
import type { Admission, Admissions, Asked } from './admission.js';
import { type Cost, medianCost } from './cost.js';
import { livePatch, replaced } from './live-patch.js';
import { newBundle, ownChannel, type Population } from './population.js';

const program = fileURLToPath(new URL('admission.js', import.meta.url));
const processes = 5;
const patienceMs = 120_000;
const wantedSymbols = 8;
/** As a kernel with its modules has them. */
const manySymbols = 200_000;

/** What an agent takes to let a bundle in: the bundle's size, and the kernel's. */
export interface MachineReport {
  readonly bundleBytes: number;
  /** Over the symbols of the kernel that runs here, which it makes anew for whoever reads them. */
  readonly kernel: OverSymbols;
  /** Over a table of many symbols in a file: no kernel's time is in it. */
  readonly file: OverSymbols;
}

/** Figures over one table of symbols. */
export interface OverSymbols extends Admissions {
  readonly symbols: number;
  /** What the daemon does at its start, and its first bundle; `first` is that of a process which has done nothing before. */
  readonly daemon: Pick<Admissions, 'preparing' | 'first'>;
}

/** A machine that knows a population's newest metadata and gets a bundle of a real size, in processes of its own. */
export async function measureMachine(population: Population): Promise<MachineReport> {
  const machine = await FixtureMachine.create();
  const feed = new FixtureFeed();
  try {
    const running = await readFile('/proc/kallsyms', 'latin1');
    const symbols = uniqueSymbols(running);
    const { manifest } = fixtureFix('bench', []);
    const module = livePatch('bench', manifest.kernel, symbols);
    await feed.publish({ ...manifest, functions: symbols.map(replaced) }, module);
    const [offer] = feed.offers;
    if (offer === undefined) throw new Error('nothing is offered');
    const pin = createHash('sha256').update(population.root).digest('hex');
    feed.trust = { ...feed.trust, root: { version: 1, sha256: pin, length: population.root.length } };
    const files = await served(population, offer);
    feed.attack = (path, response) => {
      const bytes = files.get(path.replace(/^\/tuf\/(?:metadata|targets)\//, ''));
      if (bytes === undefined) return false;
      response.end(bytes);
      return true;
    };
    const url = await feed.start();
    await machine.agent.register({ url, license, trust: feed.trust, repin: false });
    await machine.agent.refresh();
    const artefact = join(machine.root, 'bundle.tar.gz');
    await writeFile(artefact, feed.artefacts.get(offer.artefact.path) ?? '');
    const asked = { root: machine.root, offer, artefact };

    const table = join(machine.root, 'proc/kallsyms');
    await rm(table);
    await symlink('/proc/kallsyms', table);
    const kernel = await overSymbols(asked, linesOf(running));
    await rm(table);
    await writeFile(table, enlarged(running));
    const file = await overSymbols(asked, manySymbols);
    return { bundleBytes: (await stat(artefact)).size, kernel, file };
  } finally {
    await feed.stop();
    await machine.remove();
  }
}

/** The population's files, with this machine's kernel as one of its releases, and the bundle as its newest. */
async function served(population: Population, offer: FixtureFeed['offers'][number]): Promise<Map<string, Uint8Array>> {
  const memory = new MemoryFiles();
  for (const [name, bytes] of population.files) memory.files.set(name, bytes);
  const repository = await Repository.open(memory, population.keys.online, standardPolicy);
  const recalls = Buffer.from('{"schema":1,"recalls":[]}');
  const sha256 = createHash('sha256').update(recalls).digest('hex');
  const list = { name: recallListPath.split('/')[1] ?? '', length: recalls.length, sha256 };
  await repository.setNotice('recall', [list], population.nowMs);
  const others = Array.from({ length: (population.releases[0]?.bundles.length ?? 1) - 1 }, newBundle);
  const { length, sha256: digest } = offer.artefact;
  const own = { name: bundleTargetName(offer.bundleId), length, sha256: digest };
  await repository.addBundles(ownChannel, release, [...others, own], population.nowMs);
  return new Map(memory.files).set(targetFileName(recallListPath, sha256), recalls);
}

async function overSymbols(asked: Omit<Asked, 'starts'>, symbols: number): Promise<OverSymbols> {
  const { preparing, first } = await letIn({ ...asked, starts: true });
  return { ...(await letIn({ ...asked, starts: false })), symbols, daemon: { preparing, first } };
}

async function letIn(asked: Asked): Promise<Admissions> {
  const found: Admissions[] = [];
  for (let n = 0; n < processes; n++) {
    const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.send(asked);
    const answer = await nextMessage(child, patienceMs);
    if (typeof answer === 'string') throw new Error(`a process of the benchmark has ${answer}`);
    found.push(answer as Admissions);
  }
  const of = (when: Exclude<keyof Admissions, 'preparing'>): Admission => {
    const part = (what: keyof Admission): Cost => medianCost(found.map((one) => one[when][what]));
    return { all: part('all'), metadata: part('metadata'), symbols: part('symbols') };
  };
  const preparing = medianCost(found.map((one) => one.preparing));
  return { preparing, first: of('first'), again: of('again'), symbolsAnew: of('symbolsAnew') };
}

/** Some functions that occur once, from all over the kernel. */
function uniqueSymbols(kallsyms: string): string[] {
  const counts = new Map<string, number>();
  for (const [, name = ''] of kallsyms.matchAll(/ [tT] (\w+)$/gm)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].filter(([, count]) => count === 1).map(([name]) => name);
  return Array.from({ length: wantedSymbols }, (_, n) => names[Math.floor((n * names.length) / wantedSymbols)] ?? '');
}

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}

/** The kernel's own table, and as much more of it under other names as is missing. */
function enlarged(kallsyms: string): string {
  const lines = kallsyms.trimEnd().split('\n').slice(0, manySymbols);
  const more = Array.from({ length: manySymbols - lines.length }, (_, n) => `${lines[n % lines.length] ?? ''}_${n}`);
  return `${[...lines, ...more].join('\n')}\n`;
}
