// A step whose commits are known: what changed, what the changelog says, and whose each hunk is.
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { FileDelta } from '#libs/patchsplit';

export interface Step {
  readonly name: string;
  /** The changelog's, in its order, each once. */
  readonly subjects: readonly string[];
  readonly files: readonly FileDelta[];
  /**
   * For each hunk of the files, one after the other: by the subject of the commit whose they are, how many of its lines. Commits may be
   * listed or not; lines of which it isn't known whose they are don't count.
   */
  readonly truth: readonly ReadonlyMap<string, number>[];
}

/** A folder that is no step. */
export class StepError extends Error {
  override readonly name = 'StepError';
}

const maxBytes = 2 ** 30;
const text = z.array(z.string().max(2 ** 20)).max(2 ** 22);
const fileSchema = z.strictObject({
  path: z.string().min(1).max(4096),
  whole: z.boolean(),
  hunks: z
    .array(
      z.strictObject({
        at: z.int().nonnegative(),
        removed: text,
        added: text,
        functions: text,
        near: text,
        truth: z.record(z.string().max(8192), z.int().positive()),
      }),
    )
    .max(2 ** 20),
});

/** Reads a step's folder: `changelog.txt` and `files.jsonl`. @throws StepError */
export async function readStep(folder: string): Promise<Step> {
  const [changelog, listed] = [join(folder, 'changelog.txt'), join(folder, 'files.jsonl')];
  for (const path of [changelog, listed]) {
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined) throw new StepError(`${path} isn't there: make the step with \`import\``);
    if (size > maxBytes) throw new StepError(`${path} has more than ${maxBytes} bytes: import a shorter range`);
  }
  const subjects = (await readFile(changelog, 'utf8')).split('\n').filter((line) => line !== '');
  const files: FileDelta[] = [];
  const truth: ReadonlyMap<string, number>[] = [];
  for await (const line of createInterface({ input: createReadStream(listed), crlfDelay: 0 })) {
    const { path, whole, hunks } = parsed(line, `${listed}:${files.length + 1}`);
    files.push({
      path,
      whole,
      hunks: hunks.map(({ at, removed, added, functions, near }) => ({ at, removed, added, functions, near })),
    });
    for (const { truth: owners } of hunks) truth.push(new Map(Object.entries(owners)));
  }
  return { name: basename(resolve(folder)), subjects: [...new Set(subjects)], files, truth };
}

function parsed(line: string, where: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(line));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new StepError(`${where}: ${why.slice(0, 500)}`);
  }
}

/** Writes a step as `readStep` reads it. */
export async function writeStep(folder: string, { subjects, files, truth }: Omit<Step, 'name'>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'changelog.txt'), subjects.map((subject) => `${subject}\n`).join(''));
  const out = await open(join(folder, 'files.jsonl'), 'w');
  try {
    let at = 0;
    for (const { path, whole, hunks } of files) {
      const known = hunks.map((hunk) => ({ ...hunk, truth: Object.fromEntries(truth[at++] ?? []) }));
      await out.write(`${JSON.stringify({ path, whole, hunks: known })}\n`);
    }
  } finally {
    await out.close();
  }
}
