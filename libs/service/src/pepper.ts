import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mark } from '#libs/contracts';
import { markOf, type MarkKind } from '#libs/licensing';

const pepperBytes = 32;
const fileName = 'pepper';

/**
 * The secret under which organisations and hardware are marked. Whoever loses it can't recognise them any more, so that each could
 * have a trial again; whoever steals it, together with the log, can test guesses.
 */
export class Pepper {
  constructor(private readonly bytes: Uint8Array) {}

  mark(kind: MarkKind, identifier: string): Mark {
    return markOf(this.bytes, kind, identifier);
  }

  /**
   * Takes the one that is given (hex), else the one kept in the data folder, else makes one there. Stages on several machines must be
   * given the same.
   */
  static async open(dataDir: string, given?: string): Promise<Pepper> {
    if (given !== undefined) return new Pepper(Buffer.from(given, 'hex'));
    const file = join(dataDir, fileName);
    const kept = await read(file);
    if (kept !== undefined) return kept;
    await mkdir(dataDir, { recursive: true });
    const temporary = `${file}.${randomBytes(8).toString('hex')}`;
    try {
      await writeFile(temporary, `${randomBytes(pepperBytes).toString('hex')}\n`, { mode: 0o600 });
      // Stages that start for the first time at once: the first one's is everybody's.
      await link(temporary, file).catch((error: unknown) => {
        if (!isThere(error)) throw error;
      });
    } finally {
      await rm(temporary, { force: true });
    }
    const made = await read(file);
    if (made === undefined) throw new Error(`${file} is damaged: bring it back from a copy`);
    return made;
  }
}

/** @throws Error if there is one that can't be used: a new one in its place would forget everybody. */
async function read(file: string): Promise<Pepper | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  if (!/^[0-9a-f]{64}\n?$/.test(text)) throw new Error(`${file} is damaged: bring it back from a copy`);
  return new Pepper(Buffer.from(text.trim(), 'hex'));
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
const isThere = (error: unknown): boolean => codeOf(error) === 'EEXIST';
const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
