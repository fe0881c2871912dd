import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { transformFile } from '@swc/core';

/**
 * Starts a service of its own process whose embedded server keeps its data in `dataDir`.
 * @param path its PATH, without which it doesn't find setpriv.
 * @returns the service's process and its server's pid.
 * @throws {Error} with the exit code of a service that ended before its server ran.
 */
export async function startServiceProcess(
  dataDir: string,
  path: string | undefined,
): Promise<{ process: ChildProcess; pid: number }> {
  const program = join(dataDir, 'program');
  const main = join(program, 'main.js');
  await makeProgram(program);
  await writeFile(
    main,
    `import { EmbeddedNats } from './embedded-nats.js';
const server = await EmbeddedNats.start({ dataDir: ${JSON.stringify(dataDir)} });
process.stdout.write(String(server.pid));
`,
  );
  const env = path === undefined ? process.env : { ...process.env, PATH: path };
  const service = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = once(service, 'exit').then(([code]) => {
    throw new Error(`the service ended with ${String(code)} before its server ran`);
  });
  const [line] = await Promise.race([once(service.stdout, 'data'), ended]);
  return { process: service, pid: Number(String(line)) };
}

/** The embedded server as plain JavaScript, with the libraries that it names and those that they name. */
async function makeProgram(program: string): Promise<void> {
  const libraries = new Set<string>();
  const take = async (source: string, target: string): Promise<void> => {
    for (const name of await transformFolder(source, target)) {
      if (libraries.has(name)) continue;
      libraries.add(name);
      await take(resolve('libs', name, 'src'), join(program, 'libs', name));
    }
  };
  await take(resolve('libs/eventstore/src/embedded'), program);
  await symlink(resolve('node_modules'), join(program, 'node_modules'));
  await writeFile(join(program, 'package.json'), '{"type":"module","imports":{"#libs/*":"./libs/*/index.js"}}');
}

/** @returns the names of the libraries that the folder's files import. */
async function transformFolder(source: string, target: string): Promise<string[]> {
  await mkdir(target, { recursive: true });
  const libraries: string[] = [];
  for (const name of (await readdir(source)).filter((file) => file.endsWith('.ts'))) {
    const { code } = await transformFile(join(source, name), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    libraries.push(...[...code.matchAll(/#libs\/([\w-]+)/g)].map(([, library = '']) => library));
    await writeFile(join(target, name.replace(/\.ts$/, '.js')), code);
  }
  return libraries;
}
