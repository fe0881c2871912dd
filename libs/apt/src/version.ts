/** Rank of a character in a version's non-digit part: `~` before the end, letters before the rest (Debian Policy § 5.6.12). */
function rank(char: string | undefined): number {
  if (char === '~') return -1;
  if (char === undefined || /\d/.test(char)) return 0;
  return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
}

function compareParts(left: string, right: string): number {
  let a = left;
  let b = right;
  while (a !== '' || b !== '') {
    const wordA = /^\D*/.exec(a)?.[0] ?? '';
    const wordB = /^\D*/.exec(b)?.[0] ?? '';
    for (let i = 0; i < Math.max(wordA.length, wordB.length); i++) {
      const difference = rank(wordA[i]) - rank(wordB[i]);
      if (difference !== 0) return difference;
    }
    const digitsA = /^\d*/.exec(a.slice(wordA.length))?.[0] ?? '';
    const digitsB = /^\d*/.exec(b.slice(wordB.length))?.[0] ?? '';
    const difference = BigInt(digitsA === '' ? 0 : digitsA) - BigInt(digitsB === '' ? 0 : digitsB);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
    a = a.slice(wordA.length + digitsA.length);
    b = b.slice(wordB.length + digitsB.length);
  }
  return 0;
}

interface Version {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

function parse(version: string): Version {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Orders two Debian versions: negative, zero or positive (Debian Policy § 5.6.12). */
export function compareVersions(left: string, right: string): number {
  const a = parse(left);
  const b = parse(right);
  return a.epoch - b.epoch || compareParts(a.upstream, b.upstream) || compareParts(a.revision, b.revision);
}

/** The upstream part of a Debian version: `6.1.190` of `6.1.190-1`. */
export function upstreamVersion(version: string): string {
  return parse(version).upstream;
}
