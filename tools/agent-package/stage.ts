import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { copyPrograms } from '#libs/programs';
import { controlText } from './control.js';

export interface StageOptions {
  /** The project, built. */
  readonly project: string;
  /** An empty folder: becomes the package's tree. */
  readonly to: string;
  /** The node binary to take along. */
  readonly node: string | undefined;
}

const home = 'usr/lib/splicecast';

/** Our own files, by where they go. */
const files = {
  'splicecast.service': 'lib/systemd/system/splicecast.service',
  splicecast: 'usr/bin/splicecast',
  default: 'etc/default/splicecast',
  'README.md': 'usr/share/doc/splicecast-agent/README.md',
  postinst: 'DEBIAN/postinst',
  prerm: 'DEBIAN/prerm',
  postrm: 'DEBIAN/postrm',
} as const;

const executables: ReadonlySet<string> = new Set([
  files.splicecast,
  files.postinst,
  files.prerm,
  files.postrm,
  `${home}/bin/node`,
]);

/**
 * Lays out the agent as it is on a machine: itself with the packages that it imports, node, its unit, its place on the path.
 * @throws ProgramError if the project isn't built or installed.
 */
export async function stageAgent({ project, to, node }: StageOptions): Promise<void> {
  await copyPrograms(project, ['apps/agent/src/main.js'], join(to, home));
  for (const [from, target] of Object.entries(files)) {
    await put(join(project, 'tools/agent-package/files', from), join(to, target));
  }
  if (node !== undefined) await put(node, join(to, home, 'bin/node'));
  await writeFile(join(to, 'DEBIAN/conffiles'), `/${files.default}\n`);
  const sizeBytes = await settleModes(to);
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(project, 'package.json'), 'utf8')));
  await writeFile(join(to, 'DEBIAN/control'), controlText({ version, sizeBytes, withNode: node !== undefined }), {
    mode: 0o644,
  });
}

async function put(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

/** The same permissions whatever the umask was that the project was checked out under. @returns the bytes of all files. */
async function settleModes(root: string): Promise<number> {
  let sizeBytes = 0;
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const runs = entry.isDirectory() || executables.has(path.slice(root.length + 1));
    await chmod(path, runs ? 0o755 : 0o644);
    if (entry.isFile()) sizeBytes += (await stat(path)).size;
  }
  return sizeBytes;
}
