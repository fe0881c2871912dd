import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { AgentError } from '../errors.js';

const maxBytes = 128 * 1024 * 1024;

/** Writes whole or not at all: a reader never sees half a file, and a power cut leaves the old one or the new one. */
export async function writeWhole(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const part = `${path}.part-${process.pid}`;
  try {
    const file = await open(part, 'w', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(part, { force: true });
    throw cause;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

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

/** A file with JSON of one shape. */
export class JsonFile<T> {
  constructor(
    readonly path: string,
    private readonly schema: z.ZodType<T>,
    private readonly mode: number,
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
    await writeWhole(this.path, `${JSON.stringify(this.schema.parse(value))}\n`, this.mode);
  }
}
