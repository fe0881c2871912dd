import { derivedId } from '#libs/contracts';
import type { Entry } from '../log.js';
import type { Told } from '../operator.js';
import type { Violation } from '../violation.js';
import { factsOf } from '../wish.js';

/** How wishes ended that nobody answered. */
export interface Ambiguous {
  readonly carriedOut: number;
  readonly notCarriedOut: number;
}

export interface OnceResult {
  readonly violations: readonly Violation[];
  readonly ambiguous: Ambiguous;
  /** Keys of the wishes that have a commit of their own. */
  readonly carriedOut: ReadonlySet<string>;
  /** Acknowledged wishes of whose call the audit has no record. */
  readonly unaudited: number;
}

/** Clocks of one machine; the server stores with nanoseconds, and we look with milliseconds. */
const slackMs = 2;

/** Every acknowledged command's events are in the log, once; nothing is there that was refused; no command is there twice. */
export function checkExactlyOnce(entries: readonly Entry[], wishes: readonly Told[]): OnceResult {
  const byWish = new Map<string, Entry[]>();
  const audited = new Set<string>();
  for (const entry of entries) {
    const name = /:catalog:[^:]+:[^:]+:([0-9a-f]{20})$/.exec(entry.key)?.[1];
    if (name !== undefined) byWish.set(name, [...(byWish.get(name) ?? []), entry]);
    for (const { fact } of entry.events) {
      if (fact.type === 'AdminCalled' && fact.data.wish !== undefined) audited.add(fact.data.wish);
    }
  }
  const violations = [...checkTwice(entries)];
  const done = new Set<string>();
  let [carriedOut, notCarriedOut, unaudited] = [0, 0, 0];
  for (const told of wishes) {
    const names = namesOf(told.wish.key);
    const written = names.flatMap((name) => byWish.get(name) ?? []);
    violations.push(...checkWish(told, written, entries));
    if (written.length > 0) done.add(told.wish.key);
    if (told.outcome === 'acknowledged' && !names.some((name) => audited.has(name))) unaudited += 1;
    if (told.outcome !== 'ambiguous') continue;
    if (written.length > 0) carriedOut += 1;
    else notCarriedOut += 1;
  }
  return { violations, ambiguous: { carriedOut, notCarriedOut }, carriedOut: done, unaudited };
}

/** What a wish is called in the log: its key alone, or with the token's id, whose namespace it is in. */
function namesOf(key: string): readonly string[] {
  return [derivedId(key), derivedId(`root ${key}`)];
}

function* checkTwice(entries: readonly Entry[]): Generator<Violation> {
  const keys = new Map<string, number>();
  const ids = new Map<string, number>();
  for (const { key, position, stream, events } of entries) {
    const before = keys.get(key);
    if (before !== undefined) {
      yield {
        check: 'once',
        what: `the command ${key} is in the log twice`,
        context: { positions: [before, position] },
      };
    }
    keys.set(key, position);
    for (const { envelope } of events) {
      const first = ids.get(envelope.id);
      if (first !== undefined) {
        const context = { stream, positions: [first, position], type: envelope.type };
        yield { check: 'once', what: `the event ${envelope.id} is in the log twice`, context };
      }
      ids.set(envelope.id, position);
    }
  }
}

function* checkWish(told: Told, written: readonly Entry[], entries: readonly Entry[]): Generator<Violation> {
  const { wish, outcome, answeredMs = 0 } = told;
  const context = {
    told,
    written: written.map(({ position, stream, key, events }) => ({ position, stream, key, events })),
  };
  // A recall takes the levels with it, each in its own stream.
  const streams = new Set(written.map(({ stream }) => stream));
  if (streams.size < written.length || (streams.size > 1 && wish.kind !== 'recall')) {
    yield { check: 'once', what: `${wish.kind} ${wish.key} was carried out more than once`, context };
  }
  if (outcome === 'refused' && written.length > 0) {
    yield { check: 'once', what: `${wish.kind} ${wish.key} was refused, and carried out all the same`, context };
  }
  for (const { events } of written) {
    const strange = events.filter(({ fact }) => !factsOf[wish.kind].includes(fact.type));
    if (events.length !== 1 || strange.length > 0) {
      yield { check: 'once', what: `${wish.kind} ${wish.key} wrote something else`, context };
    }
    if (events.some(({ fact }) => !saysSo(fact.data, wish.kind, wish.key))) {
      yield { check: 'once', what: `${wish.kind} ${wish.key} was written with another name or reason`, context };
    }
  }
  if (outcome !== 'acknowledged') return;
  if (written.length === 0 && !wasSoBefore(told, entries)) {
    yield { check: 'once', what: `${wish.kind} ${wish.key} was acknowledged, and is not in the log`, context };
  }
  // A level that came up only after the recall is recalled when the wish is told again.
  const own = written.filter(({ stream }) => wish.kind !== 'recall' || stream === `bundle.${wish.path.split('/')[3]}`);
  if (own.some(({ storedMs }) => storedMs > answeredMs + slackMs)) {
    yield { check: 'once', what: `${wish.kind} ${wish.key} was acknowledged before it was in the log`, context };
  }
}

/** The names and reasons that operators give are their wishes' keys. Levels are recalled for a reason of their own. */
function saysSo(data: object, kind: string, key: string): boolean {
  if (kind === 'recall' || kind === 'renewal') return true;
  if ('reason' in data) return data.reason === key;
  if ('name' in data) return data.name === key;
  return true;
}

/** Whether there was nothing to do: what was wished for was so already, by somebody else's command. */
function wasSoBefore({ wish, answeredMs = 0 }: Told, entries: readonly Entry[]): boolean {
  const { kind, path, body } = wish;
  if (['customer', 'license', 'renewal', 'extension', 'token', 'rotation'].includes(kind)) return false;
  const id = kind === 'level' ? String(body['kernelId']) : (path.split('/')[3] ?? '');
  const before = entries.filter(({ stream, storedMs }) => stream.endsWith(`.${id}`) && storedMs <= answeredMs);
  const facts = before.flatMap(({ events }) => events.map(({ fact }) => fact));
  if (kind === 'transfer') {
    const holders = facts.flatMap(({ data }) => ('customerId' in data ? [data.customerId] : []));
    return holders.includes(String(body['customerId']));
  }
  if (kind === 'amendment') return facts.some(({ data }) => 'terms' in data && data.terms.tier === body['tier']);
  if (kind === 'promotion')
    return facts.some(({ type, data }) => type === 'BundlePromoted' && data.tier === body['tier']);
  return facts.some(({ type }) => factsOf[kind].includes(type));
}
