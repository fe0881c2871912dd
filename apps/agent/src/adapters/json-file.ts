import { readFile, rm } from 'node:fs/promises';
import type { z } from 'zod';
import { writeDurably } from '#libs/durable';
import { AgentError } from '../errors.js';

const maxBytes = 128 * 1024 * 1024;

/** @returns undefined where there is no such file. @throws AgentError `broken-state`. */
export async function readWhole(path: string): Promise<Buffer | undefined> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > maxBytes) throw new AgentError('broken-state', `${path} is too large`);
    return bytes;
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    const advice = code === 'EACCES' ? 'run this as root' : undefined;
    throw new AgentError('broken-state', message, advice, { cause });
  }
}

/** A file with JSON of one shape; with `encode` the schema's input is made of a value, where they aren't the same. */
export class JsonFile<T> {
  constructor(
    readonly path: string,
    private readonly schema: z.ZodType<T>,
    private readonly mode: number,
    private readonly encode: (value: T) => unknown = (value) => this.schema.parse(value),
  ) {}

  /** @returns undefined where there is none. @throws AgentError `broken-state`. */
  async read(): Promise<T | undefined> {
    const bytes = await readWhole(this.path);
    if (bytes === undefined) return undefined;
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString('utf8'));
    } catch {
      json = undefined;
    }
    const parsed = this.schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new AgentError('broken-state', `${this.path} is broken`, `remove it and run \`splicecast register\` again`);
  }

  async write(value: T): Promise<void> {
    await writeDurably(this.path, `${JSON.stringify(this.encode(value))}\n`, this.mode);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
