import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { compilerVersion } from './compiler-version.js';
import type { Workspace } from './workspace.js';

const format = 'rules-2';
const maxBytes = 64 * 1024 * 1024;
/** Stands for the workspace's own folder, which is another one each time. */
const here = '\u0001here\u0001';

interface Kept {
  readonly format: string;
  /** Makefiles of the source that the answers come from, with the digest of each. */
  readonly makefiles: Record<string, string>;
  /** What make printed, by what it was asked for. */
  readonly answers: Record<string, readonly string[]>;
}

/**
 * What make says of one folder, kept beside the profile for as long as the folder's Makefiles are the same: asking for the flags of a
 * few objects takes a tenth of a second a folder, and a header may reach hundreds. What decides besides the Makefiles (the profile, the
 * compiler's version and the variables that come from the folders above) is in the key.
 */
export class KeptAnswers {
  /** One is written at a time. */
  private turn: Promise<void> = Promise.resolve();

  private constructor(
    private readonly workspace: Workspace,
    private readonly file: string,
    private readonly makefiles: Map<string, string>,
    private readonly answers: Map<string, readonly string[]>,
  ) {}

  /** @param visit what make is given: folder, environment, variables */
  static async open(workspace: Workspace, visit: unknown): Promise<KeptAnswers> {
    const { profile, root } = workspace;
    const compiler = await compilerVersion(workspace);
    const text = JSON.stringify([format, profile.data.buildId, compiler, visit]).replaceAll(root, here);
    const key = createHash('sha256').update(text).digest('hex').slice(0, 32);
    const file = join(profile.folder, 'rules', `${key}.gz`);
    const kept = await load(file);
    const makefiles = new Map(Object.entries(kept?.makefiles ?? {}));
    for (const [path, digest] of makefiles) {
      if ((await digestOf(workspace, path)) !== digest) return new KeptAnswers(workspace, file, new Map(), new Map());
    }
    return new KeptAnswers(workspace, file, makefiles, new Map(Object.entries(kept?.answers ?? {})));
  }

  get(question: string): readonly string[] | undefined {
    return this.answers.get(question)?.map((word) => word.replaceAll(here, this.workspace.root));
  }

  /** @param makefiles all that make read for it, or would read if it were there */
  async add(answers: ReadonlyMap<string, readonly string[]>, makefiles: readonly string[]): Promise<void> {
    const { root } = this.workspace;
    for (const [question, words] of answers) {
      this.answers.set(
        question,
        words.map((word) => word.replaceAll(root, here)),
      );
    }
    for (const path of makefiles.map((one) => normalize(one.replace(`${root}/`, '')))) {
      this.makefiles.set(path, await digestOf(this.workspace, path));
    }
    this.turn = this.turn.then(async () => await this.store());
    await this.turn;
  }

  private async store(): Promise<void> {
    const kept: Kept = {
      format,
      makefiles: Object.fromEntries(this.makefiles),
      answers: Object.fromEntries(this.answers),
    };
    const draft = `${this.file}.${process.pid}.part`;
    try {
      await mkdir(join(this.file, '..'), { recursive: true });
      await writeFile(draft, gzipSync(Buffer.from(JSON.stringify(kept)), { level: 1 }));
      await rename(draft, this.file);
    } catch {
      // A profile that is read-only: the answers stay in memory.
    }
  }
}

async function load(file: string): Promise<Kept | undefined> {
  const packed = await readFile(file).catch(() => undefined);
  if (packed === undefined) return undefined;
  try {
    const kept = JSON.parse(gunzipSync(packed, { maxOutputLength: maxBytes }).toString('utf8')) as Kept;
    return kept.format === format ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Of a file of the source; empty for what the profile brings, or nobody has. */
async function digestOf(workspace: Workspace, path: string): Promise<string> {
  const content = path.startsWith('..') || path.startsWith('/') ? undefined : await workspace.place(path);
  return content === undefined ? '' : createHash('sha256').update(content).digest('hex');
}
