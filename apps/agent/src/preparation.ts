import { LoaderError } from '#libs/loader';
import type { AgentContext } from './context.js';
import { selfTest } from './self-test/self-test.js';

/**
 * What a verification needs and no bundle is needed for, done ahead by an agent that stays, so that its first bundle is let in as quickly as
 * later ones: the verification tries itself, which also makes its code warm, and the kernel's symbols are read.
 * @throws AgentError `self-test-failed`: then nothing may be let in.
 */
export async function prepare({ loader, log }: AgentContext): Promise<void> {
  await selfTest();
  try {
    await loader.readSymbols();
  } catch (error) {
    if (!(error instanceof LoaderError)) throw error;
    log(`the kernel’s symbols: ${error.message}; they are read when they are needed`);
  }
}
