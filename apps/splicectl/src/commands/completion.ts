import { Command } from 'commander';
import { candidates } from '../completion/candidates.js';
import { scriptFor, shells } from '../completion/scripts.js';

/** `splicectl completion bash|zsh`: prints what the shell reads; `__complete` is what that asks. */
export function completionCommand(program: Command): Command {
  const command = new Command('completion')
    .description('what makes a shell complete this command line: source <(splicectl completion bash)')
    .argument('<shell>', shells.join(' or '))
    .action((shell: string, _options: object, self: Command) => {
      const script = scriptFor(shell);
      if (script === undefined) self.error(`no such shell: ${shell}; there are ${shells.join(' and ')}`);
      process.stdout.write(script);
    });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      process.stdout.write((await candidates(program, words)).map((word) => `${word}\n`).join(''));
    });
  return command;
}
