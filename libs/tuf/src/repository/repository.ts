import { TufError } from '../errors.js';
import type { JsonObject } from '../metadata/json.js';
import { fileNameOf } from '../metadata/names.js';
import type { Root, Targets } from '../metadata/roles.js';
import { acceptRoot, acceptTopTargets } from './accept.js';
import { DelegatedRoles } from './delegated-roles.js';
import { authorityIn, delegatesTo, emptyRole, releasesIn, sameAuthority } from './delegation.js';
import type { RepositoryFiles } from './files.js';
import { isNotice, type NoticeRole, policyOf, releaseRole } from './layout.js';
import { OnlineKeys, type OnlineSigners } from './online-keys.js';
import { isDue, type Policy } from './policy.js';
import { Publication } from './publication.js';
import type { PublishedRole } from './published.js';
import { describe } from './sign.js';
import { openState, type RepositoryState, type SnapshotEntry } from './state.js';
import { enlarged, type NewTarget, type ReleaseAddition, targetsOf } from './vouched-targets.js';

/**
 * The online side of a repository: takes what the offline roles were signed as, and publishes releases, recalls, snapshots and
 * timestamps under them. What one publication costs doesn't follow from how much there is: it signs the roles that change, and the
 * snapshot, which has some 50 bytes for each release.
 *
 * One writer at a time. Files are written so that `timestamp.json` is last: until then, nobody sees any of it; a crash before leaves
 * files that nothing names, and whose versions are not used again.
 */
export class Repository {
  readonly #files: RepositoryFiles;
  readonly #keys: OnlineKeys;
  readonly #policy: Policy;
  readonly #delegated: DelegatedRoles;
  readonly #publication: Publication;
  #state: RepositoryState;

  private constructor(files: RepositoryFiles, signers: OnlineSigners, policy: Policy, state: RepositoryState) {
    this.#files = files;
    this.#keys = new OnlineKeys(signers, policy);
    this.#policy = policy;
    this.#delegated = new DelegatedRoles(files, this.#keys, policy, () => this.#state);
    this.#publication = new Publication(files, this.#keys, policy);
    this.#state = state;
  }

  /**
   * Opens what was published; a repository without a timestamp is a new one.
   * @param floor the highest version of each role (`snapshot`, `timestamp`, `debian-x86_64`, …) that anybody ever saw, where that is
   *   known from elsewhere: versions go on from there even if the files are gone, and the roles are made again.
   */
  static async open(
    files: RepositoryFiles,
    signers: OnlineSigners,
    policy: Policy,
    floor: ReadonlyMap<string, number> = new Map(),
  ): Promise<Repository> {
    return new Repository(files, signers, policy, await openState(files, floor));
  }

  /** The newest root; undefined before the first. */
  get root(): Root | undefined {
    return this.#state.root;
  }

  /** The top-level targets; undefined before the first, or where their file is gone. */
  get topTargets(): Targets | undefined {
    return this.#state.top;
  }

  /**
   * A root from a ceremony (`makeRoot`, `rotateRoot`): served from now on. What it changes shows at once, so `renew` has to follow.
   * @throws TufError if clients would refuse it; `wrong-keys` if it names keys for snapshot and timestamp that aren't here.
   */
  async publishRoot(root: Uint8Array, nowMs: number): Promise<void> {
    const accepted = acceptRoot(this.#state.root, root, nowMs);
    for (const name of ['snapshot', 'timestamp'] as const) this.#keys.signing(name, accepted.roles[name]);
    await this.#files.write(fileNameOf('root', accepted.version), root);
    this.#state = { ...this.#state, root: accepted };
  }

  /**
   * The top-level targets from a ceremony (`makeTopTargets`), and with it every channel and notice role that it names for the first
   * time, empty, or by other keys than before, as it was.
   * @throws TufError if clients would refuse them; `wrong-keys` if they delegate to keys that aren't here.
   */
  async publishTopTargets(targets: Uint8Array, nowMs: number): Promise<void> {
    const { root, meta } = this.#state;
    if (root === undefined)
      throw new TufError('unknown-role', 'there is no root yet, by which targets could be judged');
    const top = acceptTopTargets(root, meta.get('targets.json')?.version ?? 0, targets, nowMs);
    const roles = top.delegations?.roles ?? [];
    for (const role of roles) this.#keys.delegated(role.name, role);
    const changes = new Map<string, SnapshotEntry>([['targets.json', { version: top.version, ...describe(targets) }]]);
    const before = new Map<string, PublishedRole | undefined>();
    for (const { name } of roles) {
      const authority = authorityIn(this.#state.top, name);
      if (authority === undefined || !sameAuthority(authority, authorityIn(top, name)))
        before.set(name, await this.#delegated.find(name));
    }
    await this.#files.write(fileNameOf('targets', top.version), targets);
    this.#state = { ...this.#state, top };
    for (const [name, role] of before) {
      // Of a channel whose file is gone, the snapshot still knows the releases.
      const releases = role === undefined ? this.#delegated.releasesOf(name) : releasesIn(role);
      await this.#delegated.write(name, role ?? emptyRole, nowMs, changes, releases);
    }
    await this.#publish(changes, nowMs);
  }

  /** `addReleases` for one of them. */
  async addBundles(channel: string, release: string, bundles: readonly NewTarget[], nowMs: number): Promise<void> {
    await this.addReleases([{ channel, release, bundles }], nowMs);
  }

  /**
   * Lets kernel releases' roles vouch for bundles, in one publication. A release that is new is delegated to by its channel in the
   * same one; so are all of the channel's, signed anew, where the keys are others than before. A role whose file is gone begins anew
   * with what is given here.
   * @throws TufError `role-full`, `invalid-name`; `unknown-role` for a channel that the top-level targets don't name.
   */
  async addReleases(additions: readonly ReleaseAddition[], nowMs: number): Promise<void> {
    const changes = new Map<string, SnapshotEntry>();
    for (const channel of new Set(additions.map((one) => one.channel))) {
      const added = additions.filter((one) => one.channel === channel);
      await this.#addToChannel(channel, added, nowMs, changes);
    }
    await this.#publish(changes, nowMs);
  }

  /** Replaces what a notice role says: the newest list of recalls. @throws TufError `invalid-name`, `unknown-role`. */
  async setNotice(role: NoticeRole, notices: readonly NewTarget[], nowMs: number): Promise<void> {
    const changes = new Map<string, SnapshotEntry>();
    const before = (await this.#delegated.find(role)) ?? emptyRole;
    await this.#delegated.write(role, { ...before, targets: targetsOf(role, notices) }, nowMs, changes);
    await this.#publish(changes, nowMs);
  }

  /**
   * Signs again what is near its end, with nothing else changed, and in any case a new timestamp. To be called several times a day.
   * @param which `all` after a change of the online keys; `none` for the timestamp alone, and the snapshot where that is due.
   * @param atMost roles; if it returns as many, call it again.
   * @returns the roles that were signed.
   */
  async renew(nowMs: number, which: 'due' | 'all' | 'none' = 'due', atMost = Infinity): Promise<string[]> {
    const changes = new Map<string, SnapshotEntry>();
    for (const role of which === 'none' ? [] : this.roles()) {
      if (changes.size >= atMost) break;
      const before = await this.#delegated.find(role);
      // Its file is gone, and with it what it vouched for: that is for `restore`.
      if (before === undefined) continue;
      if (which !== 'all' && !isDue(before.expiresMs, policyOf(role, this.#policy), this.#policy, nowMs)) continue;
      await this.#delegated.write(role, before, nowMs, changes);
    }
    await this.#publish(changes, nowMs);
    return namesOf(changes);
  }

  /**
   * Delegates to the release keys that are here now, where a channel still delegates to others: the end of a stolen one.
   * @returns the channels that did.
   */
  async rekey(nowMs: number): Promise<string[]> {
    const additions: ReleaseAddition[] = [];
    for (const channel of this.channels()) {
      const found = await this.#delegated.find(channel);
      const [first] = found === undefined ? [] : releasesIn(found);
      if (found === undefined || first === undefined || delegatesTo(found, this.#keys.signers.release)) continue;
      additions.push({ channel, release: first.slice(channel.length + 1), bundles: [] });
    }
    if (additions.length > 0) await this.addReleases(additions, nowMs);
    return additions.map(({ channel }) => channel);
  }

  /**
   * Makes roles again whose files are gone or damaged, at versions above all that were seen.
   * @param contents what a notice or a release is to vouch for.
   * @param atMost roles; if it returns as many, call it again.
   * @returns the roles that were made; nothing is published if there was none.
   */
  async restore(
    contents: (role: string) => Promise<readonly NewTarget[]>,
    nowMs: number,
    atMost = Infinity,
  ): Promise<string[]> {
    const lost: string[] = [];
    for (const role of this.roles()) if ((await this.#delegated.find(role)) === undefined) lost.push(role);
    const changes = new Map<string, SnapshotEntry>();
    for (const role of lost.slice(0, atMost)) {
      const isChannel = !role.includes('/') && !isNotice(role);
      const targets = isChannel ? {} : targetsOf(role, await contents(role));
      await this.#delegated.write(
        role,
        { ...emptyRole, targets },
        nowMs,
        changes,
        isChannel ? this.#delegated.releasesOf(role) : [],
      );
    }
    if (changes.size > 0) await this.#publish(changes, nowMs);
    return namesOf(changes);
  }

  /** The delegated roles that the snapshot names. */
  roles(): string[] {
    return this.#delegated.names();
  }

  /** The channels that may be published to. */
  channels(): string[] {
    return this.#delegated.channels();
  }

  async #addToChannel(
    channel: string,
    additions: readonly ReleaseAddition[],
    nowMs: number,
    changes: Map<string, SnapshotEntry>,
  ): Promise<void> {
    for (const { release } of additions) releaseRole(channel, release);
    this.#delegated.delegatedByTop(channel);
    const found = await this.#delegated.find(channel);
    const parent = found ?? emptyRole;
    const known = found === undefined ? this.#delegated.releasesOf(channel) : releasesIn(parent);
    const added = [...new Set(additions.map(({ release }) => releaseRole(channel, release)))];
    const written = new Map<string, JsonObject>();
    const earlier = new Map<string, PublishedRole>();
    for (const addition of additions) {
      const role = releaseRole(channel, addition.release);
      const before =
        earlier.get(role) ?? (known.includes(role) ? await this.#delegated.find(role, found) : undefined) ?? emptyRole;
      earlier.set(role, before);
      written.set(
        role,
        enlarged(role, written.get(role) ?? before.targets, addition, this.#policy.maxTargetsPerRelease),
      );
    }
    const isRekeyed = known.length > 0 && !delegatesTo(parent, this.#keys.signers.release);
    if (isRekeyed) {
      for (const role of known.filter((name) => !written.has(name))) {
        const before = await this.#delegated.find(role, found);
        if (before !== undefined) await this.#delegated.write(role, before, nowMs, changes);
      }
    }
    const releases = [...new Set([...known, ...added])];
    if (isRekeyed || releases.length > known.length || found === undefined) {
      await this.#delegated.write(channel, parent, nowMs, changes, releases);
    }
    for (const [role, targets] of written) {
      await this.#delegated.write(role, { ...(earlier.get(role) ?? emptyRole), targets }, nowMs, changes);
    }
  }

  async #publish(changes: ReadonlyMap<string, SnapshotEntry>, nowMs: number): Promise<void> {
    this.#state = await this.#publication.publish(this.#state, changes, nowMs);
  }
}

function namesOf(changes: ReadonlyMap<string, SnapshotEntry>): string[] {
  return [...changes.keys()].map((name) => name.replace(/\.json$/, ''));
}
