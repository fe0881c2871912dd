import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { EventStore } from '#libs/eventstore';
import { Clock, Problem } from '#libs/service';
import { TableReader } from './adapters/table-reader.js';
import { Catalog } from './catalog.js';
import { eventTable } from './projections/event.js';

/** PostgreSQL's `integer` has no greater one. */
const maxPosition = 2_147_483_647;
const positionSchema = z.coerce.number().int().max(maxPosition);
const timeSchema = z.iso.datetime({ offset: true });
const byTime = { columns: ['at', 'position'], descending: true };

/** Knows which position of the log a moment is. */
@Injectable()
export class Moments {
  constructor(
    private readonly tables: TableReader,
    private readonly events: EventStore,
    private readonly catalog: Catalog,
    private readonly clock: Clock,
  ) {}

  /**
   * The position that `asOf` names: itself, or that of the last commit that was recorded by then.
   * @param asOf a position of the log, or a time (RFC 3339)
   * @throws Problem 422 for something else, and for a moment that hasn't been yet or was before the log's first commit; 503 while the
   *   tables are not as far
   */
  async positionAt(asOf: string): Promise<number> {
    if (/^\d{1,15}$/.test(asOf)) return this.atPosition(positionSchema.catch(maxPosition).parse(asOf));
    // An unescaped `+` of an offset is a space in a query.
    const time = timeSchema.safeParse(asOf.replace(/ (?=\d\d:\d\d$)/, '+'));
    if (!time.success) throw malformed();
    return this.atTime(new Date(time.data));
  }

  private async atPosition(position: number): Promise<number> {
    if (position > this.catalog.status().position) {
      const last = await this.events.lastPosition();
      if (position > last) throw future(`position ${position}`, `the log is at ${last}`);
      await this.folded(position);
    }
    const first = await this.first();
    if (first === undefined || position < first.position) throw before(`position ${position}`, first);
    return position;
  }

  private async atTime(time: Date): Promise<number> {
    const text = time.toISOString();
    const now = this.clock.now();
    if (time > now) throw future(text, `it is ${now.toISOString()}`);
    if (!(await this.isPassed(text))) await this.folded(await this.events.lastPosition());
    const where = [{ order: byTime, after: [text, maxPosition] }];
    const [last] = await this.tables.select(eventTable, { where, order: byTime, limit: 1 });
    if (last === undefined) throw before(text, await this.first());
    return last.position;
  }

  /** Whether the tables have something of after a time: then they have all of before it. */
  private async isPassed(time: string): Promise<boolean> {
    const order = { columns: byTime.columns };
    const where = [{ order, after: [time, maxPosition] }];
    return (await this.tables.select(eventTable, { where, order, limit: 1 })).length > 0;
  }

  private async first(): Promise<{ readonly position: number; readonly at: string } | undefined> {
    const order = { columns: eventTable.key };
    return (await this.tables.select(eventTable, { where: [], order, limit: 1 }))[0];
  }

  /** Waits a moment for the tables to be as far. @throws Problem 503 */
  private async folded(position: number): Promise<void> {
    await this.catalog.reached(position);
    const { position: now } = this.catalog.status();
    if (now >= position) return;
    const detail = `the tables are at position ${now} of ${position}: ask again in a moment`;
    throw new Problem({ status: 503, code: 'as-of-not-folded', title: 'The catalog is not as far yet', detail });
  }
}

function malformed(): Problem {
  const title = 'The request is not valid';
  const errors = [{ pointer: '/asOf', detail: 'neither a position of the log nor a time like 2026-11-23T12:00:00Z' }];
  return new Problem({ status: 422, code: 'invalid-request', title, errors });
}

function future(asked: string, now: string): Problem {
  const title = 'That moment has not been yet';
  return new Problem({ status: 422, code: 'as-of-in-the-future', title, detail: `${asked}: ${now}` });
}

function before(asked: string, first: { readonly position: number; readonly at: string } | undefined): Problem {
  const title = 'The log knows nothing of that moment';
  const begins = first === undefined ? 'it is empty' : `it begins at ${first.at}, position ${first.position}`;
  return new Problem({ status: 422, code: 'as-of-before-the-log', title, detail: `${asked}: ${begins}` });
}
