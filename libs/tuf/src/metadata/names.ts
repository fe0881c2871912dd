/** One component of a URL or a file's name, whatever the text is: everything but RFC 3986's unreserved characters is encoded. */
export function encodeComponent(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The file of a role on disk and, with a version before it, on the repository. */
export function fileNameOf(role: string, version?: number): string {
  return `${version === undefined ? '' : `${version}.`}${encodeComponent(role)}.json`;
}

/** What a file of the repository is of: the other way round of `fileNameOf`. Undefined for what it would never make. */
export function roleOfFile(name: string): { readonly role: string; readonly version: number | undefined } | undefined {
  const [, digits, encoded = ''] = /^(?:([1-9][0-9]{0,14})\.)?(.{1,400})\.json$/.exec(name) ?? [];
  const version = digits === undefined ? undefined : Number(digits);
  try {
    const role = decodeURIComponent(encoded);
    return role !== '' && fileNameOf(role, version) === name ? { role, version } : undefined;
  } catch {
    return undefined;
  }
}

/** The file of a target, with its digest before the last component where snapshots are consistent (specification 5.7.3). */
export function targetFileName(path: string, digest?: string): string {
  const components = path.split('/');
  const last = components.pop() ?? '';
  return [...components, digest === undefined ? last : `${digest}.${last}`].map(encodeComponent).join('/');
}
