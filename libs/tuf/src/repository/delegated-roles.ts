import { TufError } from '../errors.js';
import { fileNameOf } from '../metadata/names.js';
import type { RoleKeys } from '../metadata/roles.js';
import { authorityIn, releasesIn } from './delegation.js';
import type { RepositoryFiles } from './files.js';
import { delegationTo, isNotice, keysOf, policyOf } from './layout.js';
import type { OnlineKeys } from './online-keys.js';
import type { Policy } from './policy.js';
import { type Authority, PublishedFiles, type PublishedRole } from './published.js';
import { describe, signedPart, signStatement } from './sign.js';
import type { RepositoryState, SnapshotEntry } from './state.js';

/** The roles below the top-level targets: channels, notices and kernel releases, read back under who delegates to them, and written. */
export class DelegatedRoles {
  readonly #published: PublishedFiles;
  readonly #channels = new Map<
    string,
    { readonly version: number; readonly by: RoleKeys; readonly found: PublishedRole | undefined }
  >();

  /** @param state where the repository stands now. */
  constructor(
    private readonly files: RepositoryFiles,
    private readonly keys: OnlineKeys,
    private readonly policy: Policy,
    private readonly state: () => RepositoryState,
  ) {
    this.#published = new PublishedFiles(files);
  }

  /** Those that the snapshot names. */
  names(): string[] {
    return [...this.state().meta.keys()]
      .map((name) => name.replace(/\.json$/, ''))
      .filter((name) => name !== 'targets');
  }

  /** The channels that may be published to. */
  channels(): string[] {
    const names = this.state().top?.delegations?.roles.map(({ name }) => name) ?? [];
    return names.filter((name) => !isNotice(name));
  }

  /** A channel's kernel releases, as the snapshot knows them even where the channel's file is gone. */
  releasesOf(channel: string): string[] {
    return this.names().filter((role) => role.startsWith(`${channel}/`));
  }

  /**
   * A role's newest file, if it stands under who delegates to it.
   * @param channel of a release: the channel's file where the caller has read it already.
   */
  async find(role: string, channel?: PublishedRole): Promise<PublishedRole | undefined> {
    const entry = this.state().meta.get(`${role}.json`);
    if (entry === undefined) return undefined;
    const authority = await this.#authorityOf(role, channel);
    if (authority === undefined) return undefined;
    if (role.includes('/')) return this.#published.delegated(role, entry.version, authority);
    // A channel is read for each of its releases, and verified against the same top-level targets until it or they change.
    const memo = this.#channels.get(role);
    if (memo !== undefined && memo.version === entry.version && memo.by === authority.role) return memo.found;
    const found = await this.#published.delegated(role, entry.version, authority);
    this.#channels.set(role, { version: entry.version, by: authority.role, found });
    return found;
  }

  /** Who may sign a channel or a notice. @throws TufError `withheld`, `unknown-role`. */
  delegatedByTop(role: string): Authority {
    const { top } = this.state();
    if (top === undefined) throw new TufError('withheld', 'the top-level targets are not there: bring their file back');
    const authority = authorityIn(top, role);
    if (authority === undefined) throw new TufError('unknown-role', `there is no role ${role}`);
    return authority;
  }

  /**
   * Signs a role's next version with what it vouches for, and notes it for the snapshot.
   * @param releases whom it delegates to.
   */
  async write(
    role: string,
    content: PublishedRole,
    nowMs: number,
    changes: Map<string, SnapshotEntry>,
    releases: readonly string[] = releasesIn(content),
  ): Promise<void> {
    const { lifetimeSec } = policyOf(role, this.policy);
    const last = Math.max(content.version, this.state().meta.get(`${role}.json`)?.version ?? 0);
    const version = await freeVersion(this.files, role, last + 1);
    const { release } = this.keys.signers;
    const roles = releases.map((name) => delegationTo(name, release, this.policy.release));
    const told = {
      targets: content.targets,
      ...(roles.length === 0 ? {} : { delegations: { keys: keysOf(release), roles } }),
    };
    const signed = signedPart({ type: 'targets', version, expiresMs: nowMs + lifetimeSec * 1000, content: told });
    const named = (role.includes('/') ? this.keys.ownRelease() : this.delegatedByTop(role)).role;
    const bytes = await signStatement(signed, this.keys.delegated(role, named), named.threshold);
    await this.files.write(fileNameOf(role, version), bytes);
    // A release's digest would be 90 bytes in the snapshot that every machine reads, for each of a thousand releases. Its version,
    // and a threshold that no stolen key reaches alone, have to do; docs/adr/0009 counts the bytes.
    changes.set(`${role}.json`, role.includes('/') ? { version } : { version, ...describe(bytes) });
  }

  async #authorityOf(role: string, known?: PublishedRole): Promise<Authority | undefined> {
    const [channel, release] = role.split('/', 2) as [string, string?];
    if (release === undefined) return authorityIn(this.state().top, role);
    const parent = known ?? (await this.find(channel));
    // The channel's file is gone: what our own keys have signed is ours all the same.
    return parent === undefined ? this.keys.ownRelease() : authorityIn(parent, role);
  }
}

/** A version that was written before a crash was signed, but never published: it must not come to stand for something else. */
export async function freeVersion(files: RepositoryFiles, role: string, from: number): Promise<number> {
  let version = from;
  while ((await files.read(fileNameOf(role, version))) !== undefined) version++;
  return version;
}
