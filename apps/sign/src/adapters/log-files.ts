import { BlobError, BlobStore } from '#libs/blobs';
import { type Fact, fact, type MetadataFile } from '#libs/contracts';
import { parseEnvelope, RepositoryFiles, roleOfFile } from '#libs/tuf';
import type { MetadataIndex } from '../domain/metadata-index.js';

/** Far above any role's file: a snapshot of 10,000 releases is 600 kB. */
const maxFileBytes = 16 * 1024 * 1024;

/** What a publication says besides its files. */
export type PublicationExtra = Pick<
  Extract<Fact, { type: 'MetadataPublished' }>['data'],
  'recalls' | 'bundleIds' | 'recalledIds'
>;

/**
 * The repository's files as blobs that the log names. What is written is a blob that nobody asks for until one commit names it, so a
 * publication is seen whole or not at all, and of two processes that publish at once one is told to begin again.
 */
export class LogFiles extends RepositoryFiles {
  readonly #written = new Map<string, { readonly file: MetadataFile; readonly bytes: Uint8Array }>();

  constructor(
    private readonly index: MetadataIndex,
    private readonly blobs: BlobStore,
  ) {
    super();
  }

  override async read(name: string): Promise<Uint8Array | undefined> {
    const written = this.#written.get(name);
    if (written !== undefined) return written.bytes;
    const published = this.index.file(name);
    if (published === undefined) return undefined;
    try {
      return await this.blobs.read(published.digest, maxFileBytes);
    } catch (error) {
      // Lost or damaged: the repository makes it again, at a higher version.
      if (error instanceof BlobError && ['blob-not-found', 'digest-mismatch'].includes(error.code)) return undefined;
      throw error;
    }
  }

  override async write(name: string, bytes: Uint8Array): Promise<void> {
    const { digest, sizeBytes } = await this.blobs.put(bytes);
    this.#written.delete(name); // so that what is written last stands last
    this.#written.set(name, { file: { name, digest, sizeBytes }, bytes });
  }

  /** Takes back what was written: there was nothing to publish after all. */
  forget(): void {
    this.#written.clear();
  }

  /** What is to be recorded of everything that was written; nothing if nothing was. */
  facts(extra: PublicationExtra = {}): Fact[] {
    const roots: Fact[] = [];
    const files: MetadataFile[] = [];
    for (const { file, bytes } of this.#written.values()) {
      const of = roleOfFile(file.name);
      if (of?.role !== 'root') files.push(file);
      else {
        const { version, expiresMs } = parseEnvelope('root', bytes).role;
        roots.push(fact('RootPublished', { version, file, expiresAt: new Date(expiresMs).toISOString() }));
      }
    }
    const stamp = this.#written.get('timestamp.json');
    if (stamp === undefined) return roots;
    const { version, expiresMs, snapshot } = parseEnvelope('timestamp', stamp.bytes).role;
    const expiresAt = new Date(expiresMs).toISOString();
    const published = { timestamp: version, snapshot: snapshot.version, expiresAt, files, ...extra };
    return [...roots, fact('MetadataPublished', published)];
  }
}
