import type { EventData, Fact, GitId } from '#libs/contracts';

/** Where a drop stands in its product's public repository. */
export interface PublicDrop {
  readonly dropId: string;
  readonly product: string;
  /** The vendor's own version; empty where the archive names none. */
  readonly version: string;
  /** The commit whose tree is the drop's, bit for bit. */
  readonly commit: GitId;
  readonly branch: string;
  readonly tag: string;
}

/** A product's public repository as the log says that it is. */
export interface PublicRepository {
  readonly product: string;
  readonly branches: ReadonlyMap<string, GitId>;
  readonly tags: ReadonlyMap<string, GitId>;
  /** The branch of the newest kernel series. */
  readonly head: string;
  /** In the order in which they were published. */
  readonly drops: readonly PublicDrop[];
}

interface Growing {
  readonly branches: Map<string, GitId>;
  readonly tags: Map<string, GitId>;
  readonly drops: PublicDrop[];
  readonly lines: Map<string, string>;
}

type Known = Partial<
  Pick<EventData<'SourceDropReceived'>, 'product'> & Pick<EventData<'SourceDropUnpacked'>, 'version'>
>;

/**
 * Folds split drops into public repositories: one a product, one branch a kernel series, one tag a drop. A branch is only ever
 * added to. A step that doesn't go on from the branch's last commit (two drops that follow the same one; a base that can never be
 * split) begins a branch of its own beside it, named after its drop.
 */
export class Redpatch {
  private readonly known = new Map<string, Known>();
  private readonly published = new Map<string, PublicDrop>();
  private readonly growing = new Map<string, Growing>();

  /** Returns the product whose repository a fact changes, if it does. */
  apply({ type, data }: Fact): string | undefined {
    switch (type) {
      case 'SourceDropReceived':
        this.known.set(data.dropId, { product: data.product });
        return undefined;
      case 'SourceDropUnpacked':
        this.known.set(data.dropId, { ...this.known.get(data.dropId), version: data.version });
        return undefined;
      case 'DropSplit':
        return this.publish(data);
      default:
        return undefined;
    }
  }

  products(): readonly string[] {
    return [...this.growing.keys()].sort();
  }

  repository(product: string): PublicRepository | undefined {
    const found = this.growing.get(product);
    return found && { product, ...found, head: headOf([...found.branches.keys()]) };
  }

  /** Where a drop was published, if it was. */
  drop(dropId: string): PublicDrop | undefined {
    return this.published.get(dropId);
  }

  private publish({ dropId, base, onto, head }: EventData<'DropSplit'>): string | undefined {
    const { product } = this.known.get(dropId) ?? {};
    if (product === undefined || this.published.has(dropId)) return undefined;
    const repository = this.growing.get(product) ?? {
      branches: new Map(),
      tags: new Map(),
      drops: [],
      lines: new Map(),
    };
    this.growing.set(product, repository);
    const before = this.published.get(base);
    const branch = this.branchFor(repository, dropId, before?.commit === onto ? before?.branch : undefined, onto);
    // A line begins: what it begins with is published too.
    if (before === undefined && onto !== undefined) this.add(repository, base, product, branch, onto);
    this.add(repository, dropId, product, branch, head);
    return product;
  }

  /** The branch that a step goes on: its base's, if that still ends there and is of the same kernel series; else a new one. */
  private branchFor(
    { branches, tags, lines }: Growing,
    dropId: string,
    line: string | undefined,
    onto?: GitId,
  ): string {
    const series =
      seriesOf(this.known.get(dropId)?.version ?? '') ?? (line === undefined ? 'main' : lines.get(line)) ?? 'main';
    if (line !== undefined && lines.get(line) === series && branches.get(line) === onto) return line;
    const beside = `${series}+${this.tagFor(tags, dropId)}`;
    const name = [series, beside, `${series}+${dropId}`].find((one) => !branches.has(one)) ?? beside;
    lines.set(name, series);
    return name;
  }

  private add(
    { branches, tags, drops }: Growing,
    dropId: string,
    product: string,
    branch: string,
    commit: GitId,
  ): void {
    const tag = this.tagFor(tags, dropId);
    const drop = { dropId, product, version: this.known.get(dropId)?.version ?? '', commit, branch, tag };
    branches.set(branch, commit);
    tags.set(tag, commit);
    drops.push(drop);
    this.published.set(dropId, drop);
  }

  private tagFor(tags: ReadonlyMap<string, GitId>, dropId: string): string {
    const name = tagOf(this.known.get(dropId)?.version ?? '') ?? dropId;
    return tags.has(name) ? `${name}+${dropId}` : name;
  }
}

/** The kernel series that a version belongs to: `6.1` of `1:6.1.190-1~deb11u1`. */
function seriesOf(version: string): string | undefined {
  return /^(?:\d+:)?(\d{1,4}\.\d{1,4})(?:\D|$)/.exec(version)?.[1];
}

/** A version as the name of a tag (git-check-ref-format(1)), the way DEP-14 does it: `1:6.1~rc1` → `1%6.1_rc1`. */
function tagOf(version: string): string | undefined {
  const name = version.replaceAll(':', '%').replaceAll('~', '_');
  const safe = /^[A-Za-z0-9][A-Za-z0-9_%+-]*(?:\.[A-Za-z0-9_%+-]+)*$/.test(name) && !name.endsWith('.lock');
  return safe ? name : undefined;
}

/** The newest kernel series; a branch beside it, or one without a number, only where there is no other. */
function headOf(branches: readonly string[]): string {
  const [newest = 'main'] = branches.toSorted((a, b) => compare(rankOf(b), rankOf(a)));
  return newest;
}

function rankOf(branch: string): readonly number[] {
  const [, major, minor, beside] = /^(\d+)\.(\d+)(\+)?/.exec(branch) ?? [];
  if (major === undefined) return [0, 0, 0];
  return [beside === undefined ? 1 : 0, Number(major), Number(minor)];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
