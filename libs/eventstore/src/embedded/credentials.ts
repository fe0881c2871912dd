import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeOwnerOnly } from './owner-only.js';

const accountSchema = z.object({
  user: z.string().regex(/^[a-z]+$/),
  password: z.string().regex(/^[A-Za-z0-9_-]{32}$/),
});
const credentialsSchema = z.object({ service: accountSchema, agent: accountSchema });

/** The server's two accounts. */
export type Credentials = z.infer<typeof credentialsSchema>;

/** Reads the credentials of a folder, or makes them at the first start; the file is its owner's only. */
export async function openCredentials(folder: string): Promise<Credentials> {
  const path = join(folder, 'credentials.json');
  try {
    return credentialsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (!isMissing(error)) {
      throw new Error(`${path} can't be read: remove it to have new ones made`, { cause: error });
    }
  }
  const made = { service: newAccount('service'), agent: newAccount('agent') };
  await writeOwnerOnly(path, `${JSON.stringify(made, undefined, 2)}\n`);
  return made;
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

function newAccount(user: string): { user: string; password: string } {
  return { user, password: randomBytes(24).toString('base64url') };
}
