import type { JetStreamClient, NatsConnection } from 'nats';
import { type Fact, fact } from '#libs/contracts';
import type { EventStore, StreamName } from '#libs/eventstore';

/** Commits of one aggregate, one after the other, before the next one begins: a bundle or a machine has about as many. */
const commitsPerAggregate = 20;

/** One way to write a commit and have it acknowledged. */
export interface Writer {
  readonly name: 'store' | 'guarded' | 'plain';
  /** Writes to an aggregate that is at `revision`; gives the one after it. */
  write(aggregate: string, revision: number): Promise<number>;
}

/** A commit of one event, of about 500 bytes with its envelope. */
const recalled = (aggregate: string): Fact =>
  fact('BundleRecalled', {
    bundleId: aggregate,
    reason: 'recalled by a benchmark, with words as people use them. '.repeat(4),
  });

/** The event store's append: checked by its schema, each command once, at the expected revision. */
export function storeWriter(store: EventStore): Writer {
  return {
    name: 'store',
    async write(aggregate, expected) {
      const stream: StreamName = `bundle.${aggregate}`;
      const context = { actor: 'bench', commandId: `c${expected}`, correlationId: aggregate };
      const { revision, duplicate } = await store.appendToStream(stream, expected, [recalled(aggregate)], context);
      if (duplicate) throw new Error(`${stream} at ${expected}: taken for a repeat`);
      return revision;
    },
  };
}

/** JetStream's publish with what makes an append safe: a message id and the subject's expected last sequence. */
export function guardedWriter(js: JetStreamClient, stream: string, bytes: Uint8Array): Writer {
  return {
    name: 'guarded',
    async write(aggregate, expected) {
      const options = { msgID: `${aggregate}:${expected}`, expect: { lastSubjectSequence: expected } };
      return (await js.publish(`${stream}.${aggregate}`, bytes, options)).seq;
    },
  };
}

/** JetStream's publish and nothing else: two writers may overwrite each other's decisions, a retry may write twice. */
export function plainWriter(js: JetStreamClient, stream: string, bytes: Uint8Array): Writer {
  return {
    name: 'plain',
    async write(aggregate) {
      return (await js.publish(`${stream}.${aggregate}`, bytes)).seq;
    },
  };
}

/** Makes a stream that is kept as the log is, for the writers that bypass the store. */
export async function makeTwin(connection: NatsConnection, log: string, name: string): Promise<void> {
  const manager = await connection.jetstreamManager();
  const { config } = await manager.streams.info(log);
  await manager.streams.add({ ...config, name, subjects: [`${name}.>`] });
}

/** The bytes of the log's last commit as they lie in JetStream. */
export async function lastBytes(connection: NatsConnection, log: string): Promise<Uint8Array> {
  const manager = await connection.jetstreamManager();
  const { state } = await manager.streams.info(log);
  return (await manager.streams.getMessage(log, { seq: state.last_seq })).data;
}

let written = 0;

/** Writes `count` commits with up to `window` of them on their way. Gives commits acknowledged per second. */
export async function appendRate(writer: Writer, count: number, window: number): Promise<number> {
  let left = count;
  const lane = async (): Promise<void> => {
    for (let commits = 0, revision = 0, aggregate = ''; left > 0; commits++) {
      left -= 1;
      if (commits % commitsPerAggregate === 0) {
        revision = 0;
        aggregate = `bench-${(written += 1)}`;
      }
      revision = await writer.write(aggregate, revision);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: window }, lane));
  return count / ((performance.now() - start) / 1000);
}
