import { DiscardPolicy, type JetStreamManager, nanos, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import type { StreamName } from '../port.js';
import { isNoStream, isStreamThere, patiently } from './failures.js';

/** The log: nothing in it is ever removed or changed. */
export const logStream = 'SPLICECAST';
/** What workers remember and gave up on: the last message of a subject is its state. */
export const deadStream = 'SPLICECAST_DEAD';
/** Dead letters that wait for their worker again; what is done is removed. */
export const replayStream = 'SPLICECAST_REPLAY';

export const logSubject = (stream: StreamName): string => `sc.${stream}`;
export const categorySubject = (category: string | undefined): string =>
  category === undefined ? 'sc.>' : `sc.${category}.>`;
export const letterSubject = (worker: string, position: number): string => `scdead.letter.${worker}.${position}`;
export const anyLetterSubject = 'scdead.letter.>';
/** `key` is the commit's position, or `r<n>` for the n-th replay order. */
export const triesSubject = (worker: string, key: string): string => `scdead.tries.${worker}.${key}`;
export const replaySubject = (worker: string): string => `screplay.${worker}`;

/** The stream that a subject of the log stands for; whether there can be such a stream is seen when it is decoded. */
export const streamOf = (subject: string): StreamName => subject.slice('sc.'.length) as StreamName;

/** The server forgets message ids after that; what comes later is found by reading the stream. */
const duplicateWindowMs = 120_000;
const day = 24 * 3600 * 1000;

/** Makes the streams that aren't there yet; those that are stay as the operator has set them. */
export async function ensureStreams(manager: JetStreamManager, replicas: number, patienceMs: number): Promise<void> {
  const common = { storage: StorageType.File, num_replicas: replicas, discard: DiscardPolicy.New };
  await ensureStream(manager, patienceMs, {
    ...common,
    name: logStream,
    subjects: ['sc.>'],
    duplicate_window: nanos(duplicateWindowMs),
    deny_delete: true,
    deny_purge: true,
    allow_direct: true,
  });
  await ensureStream(manager, patienceMs, {
    ...common,
    name: deadStream,
    subjects: ['scdead.>'],
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.Old,
  });
  await ensureStream(manager, patienceMs, {
    ...common,
    name: replayStream,
    subjects: ['screplay.>'],
    retention: RetentionPolicy.Workqueue,
    duplicate_window: nanos(day),
  });
}

async function ensureStream(
  manager: JetStreamManager,
  patienceMs: number,
  config: Partial<StreamConfig> & { name: string },
): Promise<void> {
  await patiently(patienceMs, async () => {
    try {
      await manager.streams.info(config.name);
    } catch (error) {
      if (!isNoStream(error)) throw error;
      await manager.streams.add(config).catch((made: unknown) => {
        if (!isStreamThere(made)) throw made;
      });
    }
  });
}
