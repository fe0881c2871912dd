import { digestOf } from '#libs/contracts';
import { admit } from '../admission.js';
import { AgentError } from '../errors.js';
import { reasonsOf } from '../refusal.js';
import { makeSpecimen, type Specimen } from './specimen.js';

/** What is done to the specimen or to the machine that it is shown to, and what must come of it. */
interface Trial {
  readonly what: string;
  /** Of the refusal; undefined where it must be let in. */
  readonly code?: string;
  readonly change: (specimen: Specimen) => Partial<Specimen>;
}

/** One for each kind of check that `admit` makes of a bundle itself: digests, signatures, the kernel, its symbols. */
const trials: readonly Trial[] = [
  { what: 'a genuine bundle', change: () => ({}) },
  {
    what: 'a bundle with another last byte',
    code: 'wrong-digest',
    change: ({ bytes }) => ({ bytes: Buffer.from([...bytes.subarray(0, -1), (bytes.at(-1) ?? 0) ^ 1]) }),
  },
  {
    what: 'a bundle that one of two keys has signed',
    code: 'threshold-not-met',
    change: ({ trust }) => ({ trust: { ...trust, bundle: trust.bundle.slice(1) } }),
  },
  {
    what: 'a bundle signed by one key in another’s name',
    code: 'bad-signature',
    change: ({ trust }) => {
      const bundle = trust.bundle.map((key, n) => ({ ...key, x: trust.bundle.at(n - 1)?.x ?? key.x }));
      return { trust: { ...trust, bundle } };
    },
  },
  {
    what: 'a bundle for another build of the kernel',
    code: 'wrong-build-id',
    change: ({ kernel }) => ({ kernel: { ...kernel, buildId: digestOf('another').slice(0, 40) } }),
  },
  {
    what: 'a bundle for a kernel without its functions',
    code: 'klp-symbol-missing',
    change: () => ({ symbols: new Map([['vmlinux', new Map<string, number>()]]) }),
  },
];

/**
 * Tries the verification of bundles on one that it must let in, and on that one spoilt in all the ways that it must refuse: with a
 * cryptography that doesn't know Ed25519 (FIPS mode, for one) or is broken, nothing of what it says could be trusted. The signed
 * metadata and the lease aren't part of it: each check-in, which anything new needs, verifies both.
 * @param verify another one in tests.
 * @throws AgentError `self-test-failed`.
 */
export async function selfTest(verify: typeof admit = admit): Promise<void> {
  const specimen = await makeSpecimen();
  for (const { what, code = 'let in', change } of trials) {
    const found = await outcomeOf({ ...specimen, ...change(specimen) }, verify);
    if (found === code) continue;
    const advice = 'see that Node.js and OpenSSL on this machine are whole, and know Ed25519 (FIPS mode may not)';
    throw new AgentError('self-test-failed', `${what} came out as ${found}, and not as ${code}`, advice);
  }
}

async function outcomeOf({ offer, bytes, kernel, trust, symbols }: Specimen, verify: typeof admit): Promise<string> {
  const grounds = {
    kernel,
    trust,
    trouble: undefined,
    metadata: async () => undefined,
    checkLease: async () => undefined,
    symbols: async () => symbols,
  };
  try {
    await verify({ offer, wasAdmitted: false, bring: async () => bytes }, grounds);
    return 'let in';
  } catch (error) {
    return codeOf(error);
  }
}

/** What isn't expected has failed the test too. */
function codeOf(error: unknown): string {
  try {
    return reasonsOf(error)[0].code;
  } catch {
    return String(error);
  }
}
