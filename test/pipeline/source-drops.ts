import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { CachedPackage } from '#libs/apt';
import { unpackSubset } from './vendor-subset.js';

const run = promisify(execFile);

/** The lines that the newer drop's fixes put into the older one's functions. */
export const edits = {
  loadavg: {
    path: 'fs/proc/loadavg.c',
    before: /^\treturn 0;$/m,
    line: '\tseq_puts(m, "splicecast-test: loadavg\\n");',
    subject: 'proc: loadavg_proc_show() says that it was patched',
    sees: 'splicecast-test: loadavg',
  },
  init: {
    path: 'fs/proc/uptime.c',
    before: /^\treturn 0;\n\}\nfs_initcall/m,
    line: '\tpr_info("splicecast-test: uptime\\n");',
    subject: 'proc: proc_uptime_init() says when it runs',
  },
} as const;

export interface DropPair {
  readonly older: string;
  readonly newer: string;
  readonly versions: readonly [string, string];
}

async function edit(
  tree: string,
  { path, before, line }: { path: string; before: RegExp; line: string },
): Promise<void> {
  const file = join(tree, path);
  const text = await readFile(file, 'latin1');
  const edited = text.replace(before, (found) => `${line}\n${found}`);
  if (edited === text) throw new Error(`${path} has no place for the test's line`);
  await writeFile(file, edited, 'latin1');
}

function changelog(entries: readonly { version: string; items: readonly string[]; date: string }[]): string {
  return entries
    .map(({ version, items, date }) => {
      const lines = items.map((item) => `  * ${item}`).join('\n');
      return `linux (${version}) bookworm; urgency=medium\n\n${lines}\n\n -- Splicecast Tests <tests@example.org>  ${date}\n`;
    })
    .join('\n');
}

/** Packs a tree the way Debian packs linux-source. */
async function pack(tree: string, version: string, log: string, scratch: string): Promise<string> {
  const root = join(scratch, `root-${version}`);
  const name = 'linux-source-6.1';
  const doc = join(root, 'usr/share/doc', name);
  await mkdir(join(root, 'DEBIAN'), { recursive: true });
  await mkdir(join(root, 'usr/src'), { recursive: true });
  await mkdir(doc, { recursive: true });
  await writeFile(
    join(root, 'DEBIAN/control'),
    `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Splicecast Tests <tests@example.org>\nDescription: a part of a source tree\n`,
  );
  await writeFile(join(doc, 'changelog.Debian.gz'), gzipSync(log));
  await run('tar', [
    '-c',
    '-C',
    tree,
    '--transform',
    `s,^\\.,${name},`,
    '-I',
    'xz -0',
    '-f',
    join(root, 'usr/src', `${name}.tar.xz`),
    '.',
  ]);
  const deb = join(scratch, `${name}_${version}_all.deb`);
  await run('dpkg-deb', ['--build', '--root-owner-group', '-Zgzip', '-z1', root, deb]);
  return deb;
}

/** Makes two small drops out of the vendor's source: one as it is, one with fixes that its changelog names. */
export async function makeDrops(source: CachedPackage, cacheDir: string, scratch: string): Promise<DropPair> {
  const older = await unpackSubset(source, cacheDir);
  const newer = join(scratch, 'newer');
  await rm(newer, { recursive: true, force: true });
  await cp(older, newer, { recursive: true, verbatimSymlinks: true });
  for (const one of Object.values(edits)) await edit(newer, one);
  // Something that no changelog entry explains.
  await writeFile(join(newer, 'fs/README'), 'not in the changelog\n');
  const versions = [source.version, `${source.version}.1`] as const;
  const first = { version: versions[0], items: ['as it was'], date: 'Mon, 02 Nov 2026 10:00:00 +0000' };
  const second = {
    version: versions[1],
    items: [edits.loadavg.subject, `${edits.init.subject} (CVE-2026-99999)`],
    date: 'Mon, 09 Nov 2026 10:00:00 +0000',
  };
  return {
    versions,
    older: await pack(older, versions[0], changelog([first]), scratch),
    newer: await pack(newer, versions[1], changelog([second, first]), scratch),
  };
}
