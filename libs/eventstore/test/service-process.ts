import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { transformFile } from '@swc/core';

const source = resolve('libs/eventstore/src/embedded');

/**
 * Starts a service of its own process whose embedded server keeps its data in `dataDir`.
 * @param path its PATH, without which it doesn't find setpriv.
 * @returns the service's process and its server's pid.
 */
export async function startServiceProcess(
  dataDir: string,
  path: string | undefined,
): Promise<{ process: ChildProcess; pid: number }> {
  const program = join(dataDir, 'program');
  await mkdir(program);
  await symlink(resolve('node_modules'), join(program, 'node_modules'));
  await writeFile(join(program, 'package.json'), '{"type":"module"}');
  for (const name of (await readdir(source)).filter((file) => file.endsWith('.ts'))) {
    const { code } = await transformFile(join(source, name), {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    await writeFile(join(program, name.replace(/\.ts$/, '.js')), code);
  }
  const main = join(program, 'main.js');
  await writeFile(
    main,
    `import { EmbeddedNats } from './embedded-nats.js';
const server = await EmbeddedNats.start({ dataDir: ${JSON.stringify(dataDir)} });
process.stdout.write(String(server.pid));
`,
  );
  const env = path === undefined ? process.env : { ...process.env, PATH: path };
  const service = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const [line] = await once(service.stdout, 'data');
  return { process: service, pid: Number(String(line)) };
}
