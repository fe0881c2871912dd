import { buildProgram } from '../../apps/agent/src/cli/program.js';
import { showError } from '../../apps/agent/src/cli/output.js';
import { AgentError } from '../../apps/agent/src/errors.js';
import { FixtureMachine } from '../../apps/agent/src/fixture/machine.fixture.js';
import type { Ran } from './page.js';

const daemon = async (): Promise<void> => Promise.reject(new Error('nothing listens here'));

/** A machine whose kernel is files, and the agent's program on it. */
export class WalkthroughMachine {
  private constructor(private readonly files: FixtureMachine) {}

  /** @param functions what its kernel consists of */
  static async create(functions: readonly string[]): Promise<WalkthroughMachine> {
    const files = await FixtureMachine.create();
    await files.write({
      'proc/kallsyms': functions.map((name) => `0000000000000000 t ${name}\n`).join(''),
      'sys/class/dmi/id/product_uuid': '4c4c4544-0042-3510-8052-b4c04f564433\n',
    });
    return new WalkthroughMachine(files);
  }

  /** What `splicecast` does with these words, as its main.ts runs it. */
  async splicecast(words: readonly string[]): Promise<Ran> {
    this.files.at = new Date();
    const { context } = this.files;
    let [text, exit] = ['', 0];
    const out = (more: string): void => void (text += more);
    const setExit = (code: number): void => void (exit = code);
    try {
      await buildProgram({ context, out, setExit, daemon }).parseAsync([...words], { from: 'user' });
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      exit = showError({ json: false, out }, error);
    }
    return { text, exit };
  }

  async machineId(): Promise<string> {
    return (await this.files.context.state.machineKey()).machineId;
  }

  async remove(): Promise<void> {
    await this.files.remove();
  }
}
