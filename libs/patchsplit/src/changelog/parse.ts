import { type Changelog, ChangelogError } from './changelog.js';
import { parseDebian } from './debian.js';
import { parseRpm } from './rpm.js';

/** Debian's linux changelog has 3.7 MB. */
const maxChangelogLength = 32 * 2 ** 20;

/**
 * Reads a package's changelog, Debian style (deb-changelog(5), as in `changelog.Debian.gz`) or RPM style (`%changelog`).
 * @throws ChangelogError
 */
export function parseChangelog(text: string): Changelog {
  if (text.length > maxChangelogLength) {
    throw new ChangelogError('too-large', `a changelog of ${text.length} characters; ${maxChangelogLength} are read`);
  }
  const lines = text.split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#') && !line.startsWith('%')) ?? '';
  if (/^[a-z0-9][a-z0-9+.-]* \(/i.test(first)) return parseDebian(lines);
  if (first.startsWith('* ')) return parseRpm(lines);
  throw new ChangelogError('unknown-style', "begins neither like Debian's changelogs nor like RPM's");
}
