import { open } from 'node:fs/promises';
import { compact } from '../domain/bundle-state.js';
import { type JournalRecord, type NewRecord, recordSchema } from '../domain/record.js';
import { AgentError } from '../errors.js';
import { writeDurably } from '#libs/durable';
import { readWhole } from './json-file.js';

/** So many lines, and the journal is rewritten to what still counts. */
const compactAfter = 5_000;
/** A service that is away for good must not fill the disk. */
const maxUnreported = 4_000;
const newLine = 0x0a;

/** The journal: a line of JSON a record, on the disk before the deed that it announces. */
export class JournalFile {
  private lastSeq = 0;

  constructor(
    private readonly path: string,
    private readonly bootId: () => Promise<string>,
    private readonly now: () => Date,
  ) {}

  /** Only looks: may be called while another process writes. @throws AgentError `broken-state`. */
  async read(): Promise<JournalRecord[]> {
    return (await this.lines()).map((line, index) => this.parse(line, index + 1));
  }

  /**
   * Before the first `append` of an undertaking, under the lock: cuts off what is half written, and what doesn't count any more.
   * @param reportedSeq what the service has heard of.
   */
  async tidy(reportedSeq: number): Promise<void> {
    const bytes = (await readWhole(this.path)) ?? Buffer.alloc(0);
    if (bytes.length > 0 && bytes.at(-1) !== newLine) await this.rewrite(await this.lines());
    const records = await this.read();
    this.lastSeq = records.at(-1)?.seq ?? 0;
    const [oldest] = records.slice(-maxUnreported);
    const kept = compact(records, Math.max(reportedSeq, (oldest?.seq ?? 1) - 1));
    if (records.length > compactAfter) await this.rewrite(kept.map((record) => JSON.stringify(record)));
  }

  /** Returns when the record is on the disk. Only under the lock, after `tidy`. */
  async append(record: NewRecord): Promise<void> {
    const at = this.now().toISOString();
    const whole = recordSchema.parse({ ...record, seq: this.lastSeq + 1, at, bootId: await this.bootId() });
    const file = await open(this.path, 'a', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(whole)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    this.lastSeq = whole.seq;
  }

  /** A last line without its end doesn't count: the power went while it was written, so what it announces never began. */
  private async lines(): Promise<string[]> {
    const lines = ((await readWhole(this.path)) ?? Buffer.alloc(0)).toString('utf8').split('\n');
    return lines.slice(0, -1);
  }

  private parse(line: string, number: number): JournalRecord {
    try {
      return recordSchema.parse(JSON.parse(line));
    } catch (cause) {
      const advice = 'move it away: what is loaded stays loaded, and is found again';
      throw new AgentError('broken-state', `${this.path}: line ${number} is no record`, advice, { cause });
    }
  }

  private async rewrite(lines: readonly string[]): Promise<void> {
    await writeDurably(this.path, lines.map((line) => `${line}\n`).join(''), 0o600);
  }
}
