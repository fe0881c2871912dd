import { setTimeout as wait } from 'node:timers/promises';
import { ErrorCode, NatsError } from 'nats';
import { EventStoreError } from '../port.js';

/** JetStream's own error numbers (nats-server, server/errors.json). */
const wrongLastSequence = new Set([10071, 10164]);
const messageNotFound = 10037;
const streamNotFound = 10059;
const consumerNotFound = 10014;
const streamNameInUse = 10058;

/** Somebody else appended to the subject first. */
export function isConflict(error: unknown): boolean {
  return wrongLastSequence.has(apiCode(error) ?? 0);
}

/** There is no such message: an empty subject, or the end of it. */
export function isNoMessage(error: unknown): boolean {
  return apiCode(error) === messageNotFound;
}

export function isNoStream(error: unknown): boolean {
  return apiCode(error) === streamNotFound;
}

export function isNoConsumer(error: unknown): boolean {
  return apiCode(error) === consumerNotFound;
}

/** Another process made the stream at the same time. */
export function isStreamThere(error: unknown): boolean {
  return apiCode(error) === streamNameInUse;
}

/**
 * The server is away, starting, or electing a leader: worth asking again. Whether a request that ended so was carried out
 * is unknown.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  const passing: readonly string[] = [
    ErrorCode.Timeout,
    ErrorCode.NoResponders,
    ErrorCode.Disconnect,
    ErrorCode.ConnectionRefused,
    ErrorCode.ConnectionTimeout,
    ErrorCode.JetStreamIdleHeartBeat,
  ];
  return passing.includes(error.code) || error.api_error?.code === 503;
}

function apiCode(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/**
 * Tries until it works, until it fails for a reason that time doesn't heal (thrown as it is if it is JetStream's answer), or
 * until patience ends.
 * @throws EventStoreError `unavailable`
 */
export async function patiently<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 500)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof NatsError)) throw error;
      if (isPassing(error) && Date.now() + delayMs < deadline) {
        await wait(delayMs);
        continue;
      }
      if (error.api_error !== undefined && !isPassing(error)) throw error;
      throw new EventStoreError('unavailable', `the log can't be reached: ${error.message}`, { cause: error });
    }
  }
}
