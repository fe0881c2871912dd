import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveKernel } from './live-kernel.js';

/**
 * Runs the agent's own main program anew for each line that comes, in one process: to start Node takes under emulation ten times
 * as long as most verbs. What a verb says, and its exit code, is in /tmp/said once that file is there.
 */
const program = `
import { rename, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

let said = '';
process.stdout.write = (text) => ((said += text), true);
let number = 0;
for await (const line of createInterface({ input: process.stdin })) {
  process.argv = [process.argv[0], 'splicecast', ...line.split(' ')];
  process.exitCode = 0;
  said = '';
  await import('/opt/splicecast/dist/apps/agent/src/main.js?' + number++).catch((error) => (said += error.stack));
  await writeFile('/tmp/said.part', said + '\\nexit ' + process.exitCode + '\\n');
  await rename('/tmp/said.part', '/tmp/said');
}
`;

/** The agent in a guest's share, verb by verb. */
export class AgentVerbs {
  private constructor(private readonly live: LiveKernel) {}

  /** Leaves the program in a share, before the guest boots. */
  static async prepare(share: string): Promise<void> {
    await writeFile(join(share, 'opt/splicecast/verbs.mjs'), program);
  }

  static async start(live: LiveKernel): Promise<AgentVerbs> {
    await live.sees('mknod /share/tmp/verbs p');
    await live.sees(
      '(chroot /share /usr/bin/node --no-warnings /opt/splicecast/verbs.mjs <>/share/tmp/verbs 2>/tmp/verbs.log &)',
    );
    return new AgentVerbs(live);
  }

  /** What a verb says on its standard output, however it ends; the last line is `exit` and its exit code. */
  async run(verb: string, timeoutMs: number): Promise<string> {
    const said = '/share/tmp/said';
    const { output } = await this.live.shell.run(
      `rm -f ${said}; echo "${verb}" >/share/tmp/verbs; while ! [ -e ${said} ]; do sleep 0.1; done; cat ${said}`,
      timeoutMs,
    );
    return output;
  }

  /** What a verb says that must go well. @throws Error if it doesn't. */
  async must(verb: string, timeoutMs: number): Promise<string> {
    const output = await this.run(verb, timeoutMs);
    if (!/^exit 0\s*$/m.test(output)) throw new Error(`splicecast ${verb}:\n${output}`);
    return output;
  }
}
