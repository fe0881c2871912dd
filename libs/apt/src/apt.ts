import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { compareVersions } from './version.js';

const run = promisify(execFile);
const limits = { maxBuffer: 64 * 1024 * 1024, timeout: 600_000 };

export type AptErrorCode = 'apt-failed' | 'package-not-found' | 'digest-mismatch';

/** The package archive didn't give what was asked for. */
export class AptError extends Error {
  override readonly name = 'AptError';
  constructor(
    readonly code: AptErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A package as the archive has it today. */
export interface AptPackage {
  readonly name: string;
  readonly version: string;
}

/** A package in the cache, its digest checked against the archive's signed index. */
export interface CachedPackage extends AptPackage {
  readonly file: string;
  readonly fileName: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

async function apt(program: 'apt-cache' | 'apt-get', args: readonly string[], cwd?: string): Promise<string> {
  try {
    const { stdout } = await run(program, [...args], { ...limits, cwd, env: { ...process.env, LC_ALL: 'C' } });
    return stdout;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new AptError('apt-failed', `${program} ${args.join(' ')} failed: ${stderr || String(error)}`, {
      cause: error,
    });
  }
}

/** Names of the packages that begin with `prefix`. */
export async function packageNames(prefix: string): Promise<readonly string[]> {
  return (await apt('apt-cache', ['pkgnames', prefix])).split('\n').filter((line) => line !== '');
}

/** The versions of packages that the archive has today, oldest first. */
export async function packageVersions(names: readonly string[]): Promise<readonly AptPackage[]> {
  if (names.length === 0) return [];
  const found = new Map<string, AptPackage>();
  for (const line of (await apt('apt-cache', ['madison', ...names])).split('\n')) {
    const [name, version, origin] = line.split('|').map((part) => part.trim());
    if (name === undefined || version === undefined || origin?.endsWith('Packages') !== true) continue;
    found.set(`${name} ${version}`, { name, version });
  }
  return [...found.values()].sort((a, b) => compareVersions(a.version, b.version));
}

async function indexed(wanted: AptPackage): Promise<{ sha256: string; sizeBytes: number; fileName: string }> {
  const record = await apt('apt-cache', ['show', '--no-all-versions', `${wanted.name}=${wanted.version}`]);
  const sha256 = /^SHA256: ([0-9a-f]{64})$/m.exec(record)?.[1];
  const sizeBytes = Number(/^Size: (\d+)$/m.exec(record)?.[1]);
  const architecture = /^Architecture: ([a-z0-9-]+)$/m.exec(record)?.[1] ?? 'all';
  if (sha256 === undefined || !Number.isSafeInteger(sizeBytes)) {
    throw new AptError('package-not-found', `the archive's index names no digest for ${wanted.name} ${wanted.version}`);
  }
  // As apt-get names what it downloads.
  return { sha256, sizeBytes, fileName: `${wanted.name}_${wanted.version.replaceAll(':', '%3a')}_${architecture}.deb` };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/**
 * Brings a package into the cache folder, or finds it there. Either way its SHA-256 is the one of the archive's index, which
 * apt checked against the archive's signature.
 * @throws AptError `apt-failed`, `package-not-found`, `digest-mismatch`.
 */
export async function download(wanted: AptPackage, cacheDir: string): Promise<CachedPackage> {
  const { sha256, sizeBytes, fileName } = await indexed(wanted);
  const file = join(cacheDir, fileName);
  const cached = { ...wanted, file, fileName, sha256, sizeBytes };
  await mkdir(cacheDir, { recursive: true });
  const there = await stat(file).catch(() => undefined);
  if (there?.size === sizeBytes && (await sha256Of(file)) === sha256) return cached;

  // In a folder of its own, so that a download cut short never stands under the final name.
  const folder = await mkdtemp(join(cacheDir, '.download-'));
  try {
    await apt(
      'apt-get',
      ['-q', '-o', 'APT::Sandbox::User=root', 'download', `${wanted.name}=${wanted.version}`],
      folder,
    );
    const [got] = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
    if (got === undefined) throw new AptError('package-not-found', `apt-get downloaded no ${wanted.name}`);
    const actual = await sha256Of(join(folder, got));
    if (actual !== sha256) {
      throw new AptError('digest-mismatch', `${fileName} has SHA-256 ${actual}, the archive's index says ${sha256}`);
    }
    await rename(join(folder, got), file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return cached;
}
