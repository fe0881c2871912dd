import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const run = promisify(execFile);

/** A file's path and content. */
type Files = Readonly<Record<string, string | Buffer>>;

async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** Packs files below a top folder with the system's own tar. `transform` is its `--transform`: it makes hostile names. */
export async function makeTar(scratch: string, top: string, files: Files, transform?: string): Promise<Buffer> {
  const folder = await mkdtemp(join(scratch, 'tar-'));
  await writeFiles(join(folder, 'in', top), files);
  const out = join(folder, 'out.tar.gz');
  const hostile = transform === undefined ? [] : ['-P', `--transform=${transform}`];
  await run('tar', ['-czf', out, ...hostile, '-C', join(folder, 'in'), top]);
  return readFile(out);
}

/** Makes a package of files with the system's own dpkg-deb. */
export async function makeDeb(scratch: string, name: string, version: string, files: Files): Promise<Buffer> {
  const folder = await mkdtemp(join(scratch, 'deb-'));
  const control = [
    `Package: ${name}`,
    `Version: ${version}`,
    'Architecture: amd64',
    'Maintainer: Splicecast Tests <tests@example.org>',
    'Description: made by a test',
    '',
  ].join('\n');
  await writeFiles(join(folder, 'root'), { 'DEBIAN/control': control, ...files });
  const out = join(folder, 'out.deb');
  await run('dpkg-deb', ['--build', '--root-owner-group', '-Zgzip', '-z1', join(folder, 'root'), out]);
  return readFile(out);
}

export const sourceVersion = '6.1.190-1';

/** A package of kernel source with a few small files. `transform` renames files of the tree inside. */
export async function makeSourceDeb(scratch: string, files: Files, transform?: string): Promise<Buffer> {
  const name = 'linux-source-6.1';
  const changelog =
    `linux (${sourceVersion}) bookworm; urgency=medium\n\n  * as it was\n\n` +
    ' -- Splicecast Tests <tests@example.org>  Mon, 02 Nov 2026 10:00:00 +0000\n';
  return makeDeb(scratch, name, sourceVersion, {
    [`usr/src/${name}.tar.gz`]: await makeTar(scratch, name, files, transform),
    [`usr/share/doc/${name}/changelog.Debian.gz`]: gzipSync(changelog),
  });
}

/** Replaces a member of a package by other bytes, which dpkg-deb itself would not pack. */
export function withMember(deb: Buffer, member: RegExp, name: string, content: Buffer): Buffer {
  const magic = 8;
  const headerSize = 60;
  const parts = [deb.subarray(0, magic)];
  for (let at = magic; at < deb.length;) {
    const sizeBytes = Number(deb.toString('latin1', at + 48, at + 58));
    const end = at + headerSize + sizeBytes + (sizeBytes % 2);
    if (member.test(deb.toString('latin1', at, at + 16).trim())) {
      const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`;
      parts.push(Buffer.from(`${header}${String(content.length).padEnd(10)}\`\n`, 'latin1'), content);
      if (content.length % 2 === 1) parts.push(Buffer.from('\n'));
    } else {
      parts.push(deb.subarray(at, end));
    }
    at = end;
  }
  return Buffer.concat(parts);
}

const patchable = ['X86_64', 'MODULES', 'LIVEPATCH', 'KALLSYMS_ALL', 'DYNAMIC_FTRACE_WITH_REGS', 'HAVE_FENTRY'];

export interface MadeKernel {
  /** What the image's package is called after `linux-image-`. */
  readonly release: string;
  /** What the headers are of; the image's when absent. */
  readonly headersAbi?: string;
  /** Options that only the image's config has. */
  readonly imageOptions?: readonly string[];
  /** What a kernel must have for live patches and this one has not. */
  readonly without?: string;
}

/** Makes the packages of a kernel that is none: the image comes first, then the headers. */
export async function makeKernelDebs(scratch: string, made: MadeKernel): Promise<readonly Buffer[]> {
  const { release, headersAbi = '6.1.0-54', imageOptions = [], without } = made;
  const options = patchable.filter((option) => option !== without);
  const config = (more: readonly string[]): string => [...options, ...more].map((one) => `CONFIG_${one}=y\n`).join('');
  const version = '6.1.190-1';
  const headers = `linux-headers-${headersAbi}-amd64`;
  const common = `linux-headers-${headersAbi}-common`;
  const kbuild = 'linux-kbuild-6.1';
  return [
    await makeDeb(scratch, `linux-image-${release}`, version, {
      [`boot/vmlinuz-${release}`]: Buffer.alloc(100_000, 'no kernel. '),
      [`boot/config-${release}`]: config(imageOptions),
    }),
    await makeDeb(scratch, headers, version, { [`usr/src/${headers}/.config`]: config([]) }),
    await makeDeb(scratch, common, version, { [`usr/src/${common}/Makefile`]: 'x:\n' }),
    await makeDeb(scratch, kbuild, '6.1.192-2', { [`usr/lib/${kbuild}/Makefile`]: 'x:\n' }),
  ];
}
