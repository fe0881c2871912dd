import { type Hint, hintSubject, type Tier, tierSchema } from '#libs/contracts';
import { tierReceives } from '#libs/licensing';
import type { FeedBundle } from '../domain/offer.js';

/** Something to tell machines, on the subject of a kernel and tier. */
export interface News {
  readonly subject: string;
  readonly hint: Hint & { readonly position: number };
}

/**
 * All that machines were ever told, by subject and in the order of the log: a machine that slept asks for what it missed. A hint is a few
 * dozen bytes, and a kernel has some hundreds.
 */
export class NewsBoard {
  private readonly bySubject = new Map<string, News['hint'][]>();
  private readonly listeners = new Set<(news: News) => void>();

  /**
   * A machine listens on the subject of its own tier alone, so it is told on the subject of each tier that sees the bundle: one that has
   * reached `early` is heard on `canary` and on `early`.
   */
  add(bundle: FeedBundle | undefined, action: Hint['action'], position: number): void {
    if (bundle?.signature === undefined || bundle.reached === undefined) return;
    const { kernel, reached, bundleId } = bundle;
    for (const tier of tiersOf(reached)) {
      const subject = hintSubject(kernel, tier);
      const hint = { schema: 1, action, bundleId, position } as const;
      const known = this.bySubject.get(subject);
      if (known === undefined) this.bySubject.set(subject, [hint]);
      else known.push(hint);
      for (const listener of this.listeners) listener({ subject, hint });
    }
  }

  /** What was told on a subject after a position, oldest first, the last `max` of it. */
  since(subject: string, position: number, max: number): readonly News['hint'][] {
    const told = this.bySubject.get(subject) ?? [];
    let from = told.length;
    while (from > 0 && told.length - from < max && (told[from - 1]?.position ?? 0) > position) from -= 1;
    return told.slice(from);
  }

  /** What was told at a position, on all subjects. */
  at(position: number): readonly News[] {
    return [...this.bySubject].flatMap(([subject, told]) =>
      told.filter((hint) => hint.position === position).map((hint) => ({ subject, hint })),
    );
  }

  /** Calls `listener` with what is told from now on. It must not throw. @returns what ends that. */
  listen(listener: (news: News) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

function tiersOf(reached: Tier): readonly Tier[] {
  return tierSchema.options.filter((tier) => tierReceives(tier, reached));
}
