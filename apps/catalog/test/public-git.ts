import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, type Fact, fact, type GitId } from '#libs/contracts';
import { ServiceConfig } from '#libs/service';
import { PublicRepositories, TreeStore } from '#libs/trees';
import { gitAtOnce } from '../src/git-serving.js';
import { Packing } from '../src/packing.js';
import { Publishing } from '../src/publishing.js';
import { seriesBytes } from './sample.js';
import { CatalogService } from './service.js';
import { temporaryFolder, until } from './stand.js';

const run = promisify(execFile);
const author = { name: 'A', email: 'a@example.org', at: new Date('2026-11-16T10:17:40Z') };

export type Files = Readonly<Record<string, string | Buffer>>;

/** A drop as a test names it. */
export interface MadeDrop {
  readonly dropId: string;
  readonly tree: GitId;
  readonly commit: GitId;
}

/** The catalog with public repositories, listening, and git as its client. */
export class PublicGit {
  private appended = 0;

  private constructor(
    readonly service: CatalogService,
    readonly url: string,
    private readonly scratch: string,
  ) {}

  static async start(): Promise<PublicGit> {
    const service = await CatalogService.start();
    await service.app.listen(0, '127.0.0.1');
    return new PublicGit(service, await service.app.getUrl(), await temporaryFolder());
  }

  get dataDir(): string {
    return this.service.app.get(ServiceConfig).dataDir;
  }

  readonly atOnce = gitAtOnce;

  get repositories(): PublicRepositories {
    return this.service.app.get(PublicRepositories);
  }

  get packing(): Packing {
    return this.service.app.get(Packing);
  }

  /** Where a clone goes. */
  folder(name: string): string {
    return join(this.scratch, name);
  }

  async begin(product: string, dropId: string, version: string, files: Files): Promise<MadeDrop> {
    const trees = this.service.app.get(TreeStore);
    const tree = await this.tree(files);
    const root = { author, message: `${product} ${version}\n`, tree };
    const [made] = await trees.commitSeries(root, []);
    await this.record(dropId, received(product, dropId), unpacked(dropId, version, tree));
    return { dropId, tree, commit: made?.commit ?? '' };
  }

  /** Records the step from a drop to the next, in one commit a file. */
  async step(product: string, base: MadeDrop, dropId: string, version: string, files: Files): Promise<MadeDrop> {
    const trees = this.service.app.get(TreeStore);
    const tree = await this.tree(files);
    const changes = await trees.diff(base.tree, tree);
    const commits = changes.map(({ path, after }) => ({
      author,
      message: `${path}: changed\n`,
      changes: [{ path, ...(after ? { after: { mode: after.mode, content: after.blob } } : {}) }],
    }));
    const made = await trees.commitSeries({ author, message: '', tree: base.tree, onto: base.commit }, commits);
    const commit = made.at(-1)?.commit ?? '';
    const split = fact('DropSplit', {
      dropId,
      base: base.dropId,
      series: digestOf(seriesBytes),
      onto: base.commit,
      head: commit,
      commits: commits.length,
      attributed: 0,
      remainders: commits.length,
      files: commits.length,
      insertions: 0,
      deletions: 0,
      proof: { baseTree: base.tree, targetTree: tree, replayedTree: tree },
      durationMs: 0,
    });
    await this.record(dropId, received(product, dropId, base.dropId), unpacked(dropId, version, tree), split);
    await until(`${product} to be published`, () => {
      const publishing = this.service.app.get(Publishing);
      return publishing.drop(dropId) !== undefined && publishing.find(product)?.state === 'published';
    });
    return { dropId, tree, commit };
  }

  /** Runs git as a stranger would: no configuration but its own. */
  async git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', args, { env: clientEnvironment(), maxBuffer: 64 * 2 ** 20 });
    return stdout.trim();
  }

  /** Runs git and gives what it complains of. */
  async complaint(...args: string[]): Promise<string> {
    return this.git(...args).then(
      (output) => Promise.reject(new Error(`it went well: ${output}`)),
      (error: unknown) => String((error as { stderr?: string }).stderr ?? error),
    );
  }

  clone(product: string, name: string, ...args: string[]): Promise<string> {
    return this.git('clone', '--quiet', ...args, `${this.url}/redpatch/${product}.git`, this.folder(name));
  }

  /** Processes of git that serve a repository of this service; packing it for later is no service. */
  async servers(): Promise<string[]> {
    const found: string[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const folder = line.includes('pack-objects')
        ? await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
        : '';
      if (line.includes(join(this.dataDir, 'redpatch', 'incoming'))) continue;
      if ((line + folder).includes(join(this.dataDir, 'redpatch'))) found.push(line.replaceAll('\0', ' '));
    }
    return found;
  }

  private async tree(files: Files): Promise<GitId> {
    const writer = await this.service.app.get(TreeStore).writeTree();
    for (const [path, content] of Object.entries(files)) await writer.add(path, '100644', Buffer.from(content));
    return (await writer.finish()).tree;
  }

  private async record(dropId: string, ...facts: Fact[]): Promise<void> {
    this.appended += 1;
    const context = { actor: 'test', commandId: `made-${this.appended}`, correlationId: 'test' };
    await this.service.events.appendToStream(`drop.${dropId}`, 0, facts, context);
    await this.service.caughtUp();
  }
}

export function clientEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
  };
}

function received(product: string, dropId: string, base?: string): Fact {
  const data = { dropId, product, fileName: 'x.tar', archive: 'ab'.repeat(32), sizeBytes: 1 };
  return fact('SourceDropReceived', base === undefined ? data : { ...data, base });
}

function unpacked(dropId: string, version: string, tree: GitId): Fact {
  return fact('SourceDropUnpacked', { dropId, format: 'tar', version, tree, files: 1, bytes: 1, durationMs: 1 });
}
