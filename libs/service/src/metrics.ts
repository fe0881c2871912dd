import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { EventStore } from '#libs/eventstore';
import { problemCodeOf } from './problem.js';

/** From a check-in that has no news to the upload of a kernel's package, in seconds. */
const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** A number that is looked up when it is asked for. */
export interface GaugeSource {
  /** Lower case with underscores, the unit last. `splicecast_` is put before it. */
  readonly name: string;
  readonly help: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly read: () => number | Promise<number>;
}

/** What this process tells Prometheus, in its text format. Labels have few values each: routes, codes, stages; never an id. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();
  private readonly sources: GaugeSource[] = [];
  private readonly gauges = new Map<string, Gauge>();
  private readonly requests = new Histogram({
    name: 'splicecast_http_request_seconds',
    help: 'How long requests took until their answer was sent, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: requestSeconds,
    registers: [this.registry],
  });
  private readonly refusals = new Counter({
    name: 'splicecast_refusals_total',
    help: 'What was refused since the start of this process, by reason',
    labelNames: ['what', 'code'],
    registers: [this.registry],
  });

  private readonly hints = new Counter({
    name: 'splicecast_hints_total',
    help: 'Hints that were sent to machines',
    registers: [this.registry],
  });
  private readonly hintLag = new Histogram({
    name: 'splicecast_hint_lag_seconds',
    help: 'From an event to when its hints had left for the NATS servers',
    buckets: requestSeconds,
    registers: [this.registry],
  });

  constructor(private readonly events: EventStore) {}

  /** Asks `source` at every look. */
  watch(source: GaugeSource): void {
    this.sources.push(source);
  }

  /** Counts each reason of a refusal. */
  refused(what: string, reasons: readonly { readonly code: string }[]): void {
    for (const { code } of reasons) this.refusals.inc({ what, code });
  }

  /** Counts the hints of an event, and how long after it they left. */
  hinted(count: number, lagSec: number): void {
    this.hints.inc(count);
    if (count > 0) this.hintLag.observe(Math.max(0, lagSec));
  }

  /** For fastify's `onResponse`. */
  answered(request: FastifyRequest, reply: FastifyReply): void {
    const labels = {
      method: request.method,
      // A path that is no route would make a series for each guess.
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    };
    this.requests.observe(labels, reply.elapsedTime / 1000);
    const code = problemCodeOf(request);
    if (code !== undefined) this.refused('request', [{ code }]);
  }

  /** Everything in Prometheus' text format. What can't be read now is left out, so that one failure doesn't hide the rest. */
  async text(): Promise<string> {
    await Promise.allSettled([this.readSources(), this.readLog()]);
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  private async readSources(): Promise<void> {
    await Promise.allSettled(
      this.sources.map(async ({ name, help, labels = {}, read }) => {
        // An old number in the place of one that can't be read would be a lie.
        const value = await Promise.resolve()
          .then(read)
          .catch(() => undefined);
        const gauge = this.gauge(name, help, Object.keys(labels));
        if (value === undefined) this.forget(name);
        else gauge.set(labels, value);
      }),
    );
  }

  /** What the log alone knows. Every process tells it; they say the same. */
  private async readLog(): Promise<void> {
    const waiting = this.gauge('work_waiting', 'Commits that a stage has not been given yet', ['worker']);
    const inHand = this.gauge('work_in_hand', 'Commits that a stage works on, or will try again', ['worker']);
    const letters = this.gauge('dead_letters', 'Commits that a stage gave up on', ['worker']);
    for (const gauge of [waiting, inHand, letters]) gauge.reset();
    this.forget('log_position');
    const [last, backlog, given] = await Promise.all([
      this.events.lastPosition(),
      this.events.backlog(),
      this.events.deadLetters(),
    ]);
    this.gauge('log_position', 'Position of the last commit of the log', []).set(last);
    for (const one of backlog) {
      waiting.set({ worker: one.worker }, one.waiting);
      inHand.set({ worker: one.worker }, one.inHand);
      letters.set({ worker: one.worker }, given.filter(({ worker }) => worker === one.worker).length);
    }
  }

  private forget(name: string): void {
    this.registry.removeSingleMetric(`splicecast_${name}`);
    this.gauges.delete(name);
  }

  private gauge(name: string, help: string, labelNames: readonly string[]): Gauge {
    const known = this.gauges.get(name);
    if (known !== undefined) return known;
    const gauge = new Gauge({
      name: `splicecast_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
    });
    this.gauges.set(name, gauge);
    return gauge;
  }
}
