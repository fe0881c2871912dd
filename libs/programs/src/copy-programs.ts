import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { ProgramError } from './errors.js';

/** Static and dynamic imports with a literal name, as tsc writes them; not `Buffer.from('…')`. */
const importedName = /\b(?:from\s*|import\s*\(?\s*)["']([^"'\n]+)["']/g;

/** So many packages are no small program any more: something is imported that shouldn't be. */
const maxPackages = 100;

/**
 * Copies built programs and what they import, file by file and package by package, into `to` (`dist/`, `node_modules/`,
 * `package.json`): the less there is, the sooner a guest that reads it over 9p starts, and the less an agent brings to a machine.
 * @param mains main files, relative to the project's `dist/`.
 * @throws ProgramError
 */
export async function copyPrograms(project: string, mains: readonly string[], to: string): Promise<void> {
  const { imports } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as { imports?: object };
  await mkdir(to, { recursive: true });
  await writeFile(join(to, 'package.json'), JSON.stringify({ name: 'splicecast', type: 'module', imports }));
  const packages = new Set<string>();
  const files = new Set<string>();
  for (const main of mains) await followImports(project, join('dist', main), files, packages);
  for (const file of files) await copyInto(project, file, to);
  await copyPackages(project, packages, to);
}

/** Walks from a built file over relative and `#libs/` imports; collects files (relative to the project) and package names. */
async function followImports(project: string, file: string, files: Set<string>, packages: Set<string>): Promise<void> {
  if (files.has(file)) return;
  files.add(file);
  const text = await readFile(join(project, file), 'utf8').catch((cause: unknown) => {
    throw new ProgramError('not-built', `${file} is not built: run \`npm run build\``, { cause });
  });
  for (const [, name = ''] of text.matchAll(importedName)) {
    if (name.startsWith('.')) await followImports(project, join(dirname(file), name), files, packages);
    else if (name.startsWith('#libs/')) {
      await followImports(project, `dist/libs/${name.slice('#libs/'.length)}/src/index.js`, files, packages);
    } else if (isPackage(name)) packages.add(packageOf(name));
  }
}

function isPackage(name: string): boolean {
  return !name.startsWith('node:') && !builtinModules.includes(name) && /^@?[a-z0-9]/.test(name);
}

function packageOf(name: string): string {
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}

async function copyInto(project: string, file: string, to: string): Promise<void> {
  await mkdir(join(to, dirname(file)), { recursive: true });
  await cp(join(project, file), join(to, file));
}

async function copyPackages(project: string, names: ReadonlySet<string>, to: string): Promise<void> {
  const root = resolve(project);
  const copied = new Set<string>();
  const waiting = [...names].map((name) => ({ name, from: root }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const folder = await installedAt(root, next.from, next.name);
    if (copied.has(folder)) continue;
    copied.add(folder);
    if (copied.size > maxPackages)
      throw new ProgramError('too-large', `the programs need over ${maxPackages} packages`);
    // Nested packages come by themselves, if they are needed.
    await cp(folder, join(to, relative(root, folder)), {
      recursive: true,
      filter: (path) =>
        !relative(folder, path).split('/').includes('node_modules') && !/\.(?:md|map|d\.[cm]?ts|ts)$/.test(path),
    });
    for (const name of await dependenciesOf(folder)) waiting.push({ name, from: folder });
  }
}

/** Node's own search: `node_modules` of the folder that imports, then of each folder above it, up to the project. */
async function installedAt(root: string, from: string, name: string): Promise<string> {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (await isFolder(candidate)) return candidate;
    if (folder === root || folder === dirname(folder)) break;
  }
  throw new ProgramError('not-installed', `the package ${name} is not installed: run \`npm ci\``);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function dependenciesOf(folder: string): Promise<string[]> {
  if (!(await readdir(folder)).includes('package.json')) return [];
  const { dependencies = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  return Object.keys(dependencies);
}
