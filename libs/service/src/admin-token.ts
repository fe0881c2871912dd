import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Knows the admin token by its hash alone. */
export class AdminToken {
  constructor(private readonly hash: Buffer) {}

  /** Compares in constant time. */
  matches(token: string): boolean {
    return timingSafeEqual(sha256(token), this.hash);
  }

  static of(token: string): AdminToken {
    return new AdminToken(sha256(token));
  }

  /**
   * Takes the token that is given, else the one kept in the data folder (as a hash), else makes one: `fresh` is then the only
   * time that anybody sees it.
   */
  static async open(dataDir: string, given?: string): Promise<{ token: AdminToken; fresh?: string }> {
    if (given !== undefined) return { token: AdminToken.of(given) };
    const file = join(dataDir, 'admin-token.sha256');
    const kept = await readHash(file);
    if (kept !== undefined) return { token: kept };
    const fresh = `sca_${randomBytes(24).toString('base64url')}`;
    await mkdir(dataDir, { recursive: true });
    // Stages that share the folder may start for the first time at once: the first one's token is everybody's.
    const temporary = `${file}.${randomBytes(8).toString('hex')}`;
    try {
      await writeFile(temporary, `${sha256(fresh).toString('hex')}\n`, { mode: 0o600 });
      await link(temporary, file);
    } catch (error) {
      if (!isThere(error)) throw error;
      const theirs = await readHash(file);
      if (theirs === undefined)
        throw new Error(`${file} is damaged: remove it to have a new token made`, { cause: error });
      return { token: theirs };
    } finally {
      await rm(temporary, { force: true });
    }
    return { token: AdminToken.of(fresh), fresh };
  }
}

/** The token whose hash is in a file; undefined if there is none. */
async function readHash(file: string): Promise<AdminToken | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || !/^[0-9a-f]{64}\n?$/.test(text)) return undefined;
  return new AdminToken(Buffer.from(text.trim(), 'hex'));
}

function isThere(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST';
}
