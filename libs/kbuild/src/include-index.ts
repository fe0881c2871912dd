import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { KernelProfile } from '#libs/kernelimage';
import { folderWalk, type SourceWalk } from './source-tree.js';

/** Each file with the names that it includes, as written: `"name` or `<name`. */
export type IncludeIndex = ReadonlyMap<string, readonly string[]>;

const format = 'includes-1';
const maxIndexBytes = 256 * 1024 * 1024;
/** Folders and files that no object of a kernel is made of. */
const outside = /^(?:Documentation|LICENSES|samples|scripts|tools|usr|include\/dt-bindings)\//;
const noIncluder =
  /\.(?:[Ss]|rst|txt|yaml|dts|dtsi|py|pl|sh|svg|gitignore|mod)$|(?:^|\/)(?:Makefile|Kbuild|Kconfig)[^/]*$/;
const publicHeaders = /^(?:include|arch\/[^/]+\/include)\//;

/**
 * Names that a file includes at any place, whatever the conditions. A macro whose value looks like a file's name counts too:
 * `#include GENL_MAGIC_INCLUDE_FILE` of `#define GENL_MAGIC_INCLUDE_FILE <linux/drbd_genl.h>`.
 */
export function includesIn(content: Buffer): readonly string[] {
  if (!content.includes('include') && !content.includes('define')) return [];
  const names = new Set<string>();
  const directive = /^[ \t]*#[ \t]*(?:include(?:_next)?|define[ \t]+\w+)[ \t]*([<"])([^>"\n]+)[>"]/gm;
  for (const [whole, quote = '', name = ''] of content.toString('latin1').matchAll(directive)) {
    if (/include/.test(whole.slice(0, whole.indexOf(quote))) || /^[\w./+-]+\.\w+$/.test(name)) names.add(quote + name);
  }
  return [...names];
}

/**
 * The index of a kernel's source: read from beside the profile, or made and kept there. Public headers are taken as the vendor's
 * packages have them, as a build takes them. A profile that can't be written keeps it in memory for as long as the process runs.
 */
export async function includeIndex(profile: KernelProfile, walk: SourceWalk): Promise<IncludeIndex> {
  const arch = profile.data.kbuild['SRCARCH'] ?? 'x86';
  const identity = `${format}\0${arch}\0${profile.data.buildId}\0${await walk.identity()}`;
  const key = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  const kept = inMemory.get(key);
  if (kept) return kept;
  const file = join(profile.folder, 'includes', `${key}.gz`);
  const index = (await load(file)) ?? (await build(profile, walk, arch));
  inMemory.clear();
  inMemory.set(key, index);
  if (!index.stored) await store(file, index);
  return index;
}

interface KeptIndex extends IncludeIndex {
  readonly stored?: boolean;
}
/** The last one used: some 20 MB. */
const inMemory = new Map<string, KeptIndex>();

async function build(profile: KernelProfile, walk: SourceWalk, arch: string): Promise<KeptIndex> {
  const foreign = new RegExp(`^arch/(?!${arch}/)`);
  const index = new Map<string, readonly string[]>();
  const ours = (path: string): boolean =>
    !outside.test(path) && !noIncluder.test(path) && !foreign.test(path) && !publicHeaders.test(path);
  for await (const { path, content } of walk.files(ours)) index.set(path, includesIn(content));
  const headers = folderWalk(profile.headers).files((path) => publicHeaders.test(path) && !outside.test(path));
  for await (const { path, content } of headers) index.set(path, includesIn(content));
  return index;
}

async function load(file: string): Promise<KeptIndex | undefined> {
  const packed = await readFile(file).catch(() => undefined);
  if (packed === undefined) return undefined;
  try {
    const text = gunzipSync(packed, { maxOutputLength: maxIndexBytes }).toString('latin1');
    const lines = text.split('\n');
    // The last line tells a whole file from one that a crash cut short.
    if (lines.pop() !== `${format} ${lines.length}`) return undefined;
    const index = new Map<string, readonly string[]>();
    for (const line of lines) {
      const [path = '', ...names] = line.split('\t');
      index.set(path, names);
    }
    return Object.assign(index, { stored: true });
  } catch {
    return undefined;
  }
}

async function store(file: string, index: IncludeIndex): Promise<void> {
  const lines = [...index].map(([path, names]) => [path, ...names].join('\t'));
  const packed = gzipSync(Buffer.from([...lines, `${format} ${lines.length}`].join('\n'), 'latin1'), { level: 1 });
  const draft = `${file}.${process.pid}.part`;
  try {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(draft, packed);
    await rename(draft, file);
  } catch {
    // A profile that is read-only: the index stays in memory.
  }
}
