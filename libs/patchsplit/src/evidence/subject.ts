import { actsTold } from './acts.js';
import { stemOf, stopWords } from './words.js';

/** A subject, taken apart. */
export interface SubjectWords {
  /** What stands before the colons, the most specific last: `net: bridge: fix x` → net, bridge. Lower-case, `-` as `_`. */
  readonly prefix: readonly string[];
  /** Names as code has them: `foo_bar()`, `struct foo`, `DECLARE_SEQ_BUF()`, `dps310`. Lower-case. */
  readonly identifiers: ReadonlySet<string>;
  /** Stems of the other words. */
  readonly words: ReadonlySet<string>;
  /** Stems of all words after the prefix, those of every second subject too. */
  readonly said: ReadonlySet<string>;
  /** What it says that the change does to the code. */
  readonly acts: ReadonlySet<string>;
}

/** What a subsystem's subjects call it, and its folder doesn't. */
const folderNames: Readonly<Partial<Record<string, readonly string[]>>> = {
  alsa: ['sound'],
  asoc: ['soc', 'sound'],
  ata: ['ata', 'libata'],
  blk_mq: ['blk_mq', 'block'],
  cifs: ['cifs', 'smb'],
  dmaengine: ['dmaengine', 'dma'],
  dt_bindings: ['bindings'],
  esp: ['esp', 'esp4', 'esp6'],
  fbdev: ['fbdev', 'video'],
  ftrace: ['ftrace', 'trace'],
  gpiolib: ['gpiolib', 'gpio'],
  hrtimer: ['hrtimer', 'time'],
  hwrng: ['hw_random'],
  ib: ['ib', 'infiniband'],
  inet: ['ipv4', 'ipv6', 'inet'],
  ipv4: ['ipv4'],
  keys: ['keys', 'keyctl'],
  ksmbd: ['ksmbd', 'smb'],
  libata: ['libata', 'ata'],
  libceph: ['libceph', 'ceph'],
  memcg: ['memcg', 'memcontrol'],
  nf_tables: ['nf_tables', 'nft'],
  nfsv4: ['nfsv4', 'nfs4', 'nfs'],
  perf: ['perf', 'events'],
  rdma: ['infiniband', 'rdma'],
  smb: ['smb', 'cifs', 'ksmbd'],
  tcp: ['tcp', 'ipv4'],
  tracing: ['tracing', 'trace'],
  udp: ['udp', 'ipv4'],
  uvcvideo: ['uvcvideo', 'uvc'],
  vfs: ['vfs', 'fs'],
  vlan: ['8021q', 'vlan'],
  wifi: ['wireless', 'mac80211', 'cfg80211'],
};

/** The names under which a prefix may stand in a path. */
export function namesOf(component: string): readonly string[] {
  return folderNames[component] ?? [component];
}

/** Takes a subject apart; a revert is about what it reverts. */
export function wordsOf(subject: string): SubjectWords {
  const reverted = /^Revert "(.{1,1000})"$/.exec(subject)?.[1];
  let rest = reverted ?? subject;
  const prefix: string[] = [];
  for (;;) {
    const [whole, part] =
      /^([^:"()]{1,60}):\s+/.exec(rest) ??
      (prefix.length > 0 ? /^([\w/]{1,40}) - / : /^([\w/]{2,30}) - /).exec(rest) ??
      [];
    if (whole === undefined || part === undefined) break;
    for (const component of part.split(/[\s/,&|{}*]+/)) {
      const name = component
        .toLowerCase()
        .replaceAll('-', '_')
        .replace(/\.[ch]$/, '');
      if (name !== '') prefix.push(name);
    }
    rest = rest.slice(whole.length);
  }
  rest = withoutBraces(rest);
  const identifiers = new Set<string>();
  const words = new Set<string>();
  for (const [token] of rest.matchAll(/[A-Za-z0-9_][\w./-]*(?:\(\))?/g)) addToken(token, identifiers, words);
  const spoken = rest.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const said = new Set(spoken.map(stemOf));
  if (reverted !== undefined) said.add('revert');
  return { prefix, identifiers, words, said, acts: actsTold([...spoken, ...said]) };
}

/** `foo_{get,put}_bar()` is foo_get_bar() and foo_put_bar(). */
function withoutBraces(text: string): string {
  return text.replace(
    /(\w{0,60})\{([\w, |/]{1,120})\}(\w{0,60}(?:\(\))?)/g,
    (_, before: string, between: string, after: string) =>
      between
        .split(/[,|/]/)
        .map((one) => `${before}${one.trim()}${after}`)
        .join(' '),
  );
}

function addToken(token: string, identifiers: Set<string>, words: Set<string>): void {
  const call = token.endsWith('()');
  const bare = token.replace(/\(\)$/, '').replace(/[./-]+$/, '');
  for (const part of bare.split(/[./-]+/)) {
    const name = part.toLowerCase();
    if (call || /\w_\w/.test(part) || /^[a-z]+\d+\w*$/i.test(part) || /^_\w/.test(part)) identifiers.add(name);
    for (const word of part.split('_')) {
      const stem = stemOf(word.toLowerCase());
      if (stem.length >= 3 && !stopWords.has(stem)) words.add(stem);
    }
  }
}
