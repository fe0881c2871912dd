import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { printError } from './output.js';
import { splicectl } from './program.js';

/** As it lies beside `dist/`. */
const packageFile = new URL('../../../../package.json', import.meta.url);

try {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(await readFile(packageFile, 'utf8')));
  await splicectl().version(version).parseAsync();
} catch (error) {
  printError(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
