import { ArchiveError } from './errors.js';
import { normalPath, quoted } from './guard.js';

/**
 * Takes the one folder off that a source archive packs all in (`linux-6.1.190/…`), as its first entry shows it. An archive that
 * begins with `./` or with a plain file has none.
 */
export class TopFolder {
  private top: string | undefined;
  private decided = false;

  /** The folder's name, once an entry was seen; undefined where there is none. */
  get name(): string | undefined {
    return this.top;
  }

  /** @throws ArchiveError `unsafe-path`; `malformed` for an entry beside the top folder. */
  strip(raw: string, isFolder: boolean): string {
    const path = normalPath(raw);
    if (!this.decided) {
      this.decided = true;
      const [first = ''] = path.split('/');
      if (first !== '' && (isFolder || path.includes('/'))) this.top = first;
    }
    if (this.top === undefined) return path;
    if (path === this.top) return '';
    if (path.startsWith(`${this.top}/`)) return path.slice(this.top.length + 1);
    const advice = 'pack the tree in one folder, or as "."';
    throw new ArchiveError('malformed', `${quoted(path)} lies beside the folder ${quoted(this.top)}: ${advice}`);
  }
}
