import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { TrustKeys } from '#libs/contracts';
import { Fetcher, FileStore, parseEnvelope, roleOfFile, TufError } from '#libs/tuf';
import { JsonFile } from './json-file.js';

export type PinnedRoot = NonNullable<TrustKeys['root']>;

const bytesSchema = z.base64().transform((text): Buffer => Buffer.from(text, 'base64'));
const vouchedSchema = z.object({
  schema: z.literal(1),
  /** When it was newest. */
  at: z.iso.datetime(),
  /** Every root, from the pinned one on. */
  roots: z.array(bytesSchema).min(1).max(4096),
  /** The other roles that this machine needs, by name. */
  roles: z.record(z.string().max(160), bytesSchema),
  recalls: bytesSchema,
});

/**
 * One whole state of the signed metadata, as it came: enough to verify everything on this machine again from the pinned root, with
 * no network. It is replaced as a whole, so that a mirror which serves half of a newer state can't break the one that stands.
 */
export type VouchedState = z.infer<typeof vouchedSchema>;

/** What was seen of the signed metadata below one pinned root: another pin begins anew. The client's memory, with its past roots kept. */
export class MetadataFolder extends FileStore {
  /** Roles that were looked at since this was made. */
  readonly #used = new Set<string>();
  readonly #vouched: JsonFile<VouchedState>;

  constructor(parent: string, { sha256 }: PinnedRoot) {
    const folder = join(parent, sha256);
    super(folder);
    this.#vouched = new JsonFile(join(folder, 'vouched-state'), vouchedSchema, 0o600, encoded);
  }

  override async read(role: string): Promise<Uint8Array | undefined> {
    this.#used.add(role);
    return super.read(role);
  }

  override async write(role: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    // First under its number: a crash between the two leaves no gap in the chain.
    if (role === 'root') await super.write(numbered(parseEnvelope('root', bytes).role.version), bytes);
    await super.write(role, bytes);
  }

  /** The state that the last update ended with. @throws TufError `withheld` where a file of it isn't there. */
  async collect(at: string, newestRoot: number, recalls: Buffer): Promise<VouchedState> {
    const roots: Buffer[] = [];
    for (let version = 1; version <= newestRoot; version++) roots.push(await this.#mustRead(numbered(version)));
    const names = [...this.#used].filter((name) => name !== 'root');
    const files = await Promise.all(names.map(async (name) => [name, await super.read(name)] as const));
    const roles: Record<string, Buffer> = {};
    for (const [name, bytes] of files) if (bytes !== undefined) roles[name] = Buffer.from(bytes);
    return { schema: 1, at, roots, roles, recalls };
  }

  /** @returns undefined where there was none yet. @throws AgentError `broken-state`. */
  async vouched(): Promise<VouchedState | undefined> {
    return this.#vouched.read();
  }

  async keep(state: VouchedState): Promise<void> {
    await this.#vouched.write(state);
  }

  async #mustRead(name: string): Promise<Buffer> {
    const bytes = await super.read(name);
    if (bytes !== undefined) return Buffer.from(bytes);
    throw new TufError('withheld', `${name}.json is missing below ${this.folder}`);
  }
}

function numbered(version: number): string {
  return `${version}.root`;
}

const text = (bytes: Buffer): string => bytes.toString('base64');

function encoded({ roots, roles, recalls, ...rest }: VouchedState): unknown {
  const named = Object.entries(roles).map(([name, bytes]) => [name, text(bytes)] as const);
  return { ...rest, roots: roots.map(text), roles: Object.fromEntries(named), recalls: text(recalls) };
}

/** The vouched state as a mirror, so that the client's whole workflow runs over it again. */
export class VouchedFetcher extends Fetcher {
  constructor(private readonly state: VouchedState) {
    super();
  }

  override async fetch(name: string): Promise<Buffer | undefined> {
    const { role, version } = roleOfFile(name) ?? {};
    if (role === 'root') return this.state.roots[(version ?? 0) - 1];
    const bytes = role !== undefined && Object.hasOwn(this.state.roles, role) ? this.state.roles[role] : undefined;
    if (bytes !== undefined) return bytes;
    throw new TufError('unknown-target', `${name} is not in the state that was last seen`);
  }
}
