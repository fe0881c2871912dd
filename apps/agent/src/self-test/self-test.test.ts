import { type Admitted, admit } from '../admission.js';
import { reasonsOf, Refusal } from '../refusal.js';
import { selfTest } from './self-test.js';

/** A verification with one hole: where it should find this, it lets in what it let in last. */
function blindTo(code: string): typeof admit {
  let last: Admitted;
  return async (candidate, grounds) => {
    try {
      return (last = await admit(candidate, grounds));
    } catch (error) {
      if (reasonsOf(error).some((reason) => reason.code === code)) return last;
      throw error;
    }
  };
}

async function refuseAll(): Promise<never> {
  throw Refusal.of('wrong-digest', 'nothing is ever right');
}

async function breakDown(): Promise<never> {
  throw new Error('digital envelope routines::unsupported');
}

describe('the self-test', () => {
  it('passes with the verification that there is', async () => {
    await expect(selfTest()).resolves.toBeUndefined();
  });

  it.each(['wrong-digest', 'threshold-not-met', 'bad-signature', 'wrong-build-id', 'klp-symbol-missing'])(
    'fails where %s isn’t found',
    async (code) => {
      const message = expect.stringContaining(`came out as let in, and not as ${code}`);
      await expect(selfTest(blindTo(code))).rejects.toMatchObject({ code: 'self-test-failed', message });
    },
  );

  it.each([
    ['nothing is let in', refuseAll, 'wrong-digest'],
    ['the verification breaks', breakDown, 'unsupported'],
  ])('fails where %s', async (_where, verify, found) => {
    const message = expect.stringContaining(found);
    await expect(selfTest(verify)).rejects.toMatchObject({ code: 'self-test-failed', message });
  });
});
