import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** As `npm run build` makes it, which `npm test` runs first. */
const built = join(dirname(fileURLToPath(import.meta.url)), '../../../dist/libs/eventstore/src/index.js');

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
  const main = `
    import { EmbeddedNats } from ${JSON.stringify(pathToFileURL(built).href)};
    const server = await EmbeddedNats.start({ dataDir: ${JSON.stringify(dataDir)} });
    process.stdout.write(String(server.pid));`;
  const env = path === undefined ? process.env : { ...process.env, PATH: path };
  const args = ['--input-type=module', '--eval', main];
  const service = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = once(service, 'exit').then(([code]) => {
    throw new Error(`the service ended with ${String(code)} before its server ran`);
  });
  const [line] = await Promise.race([once(service.stdout, 'data'), ended]);
  return { process: service, pid: Number(String(line)) };
}
