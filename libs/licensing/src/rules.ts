import type { LicenseTerms, Reason, RunningKernel, Tier } from '#libs/contracts';
import { dayMs, plans } from './plans.js';
import type { Standing } from './standing.js';
import { tierReceives } from './tier.js';

/** The licence that is asked about, as the log has it. */
export interface Licensed {
  readonly status: 'active' | 'revoked';
  readonly licenseId: string;
  /** Whose it is now. */
  readonly customerId?: string;
  readonly terms: LicenseTerms;
}

/** What is asked: may this machine have what has reached a tier, now? What is left out isn't judged. */
export interface Question {
  readonly kernel: Pick<RunningKernel, 'distro' | 'major'> & { readonly arch?: string };
  readonly tier?: Tier;
  readonly standing?: Standing;
  /** Whom the token that the machine shows names as the holder. */
  readonly customerId?: string;
  /** The machine is being registered by hand, not only asking on. */
  readonly registers?: boolean;
  readonly at: Date;
}

/** Which of the log's facts settles a rule. */
export type Ground =
  | 'terms'
  | 'revocation'
  | 'transfer'
  /** The machine's own. */
  | 'enrolments'
  /** What an operator did to its seat. */
  | 'seat'
  /** The later machine's on the same hardware. */
  | 'displacement'
  | 'earlier-trial';

/** One condition of having something new. */
export interface Rule {
  /** Of its refusal. */
  readonly code: string;
  readonly ground: Ground;
  /** Whether the question says enough to judge it. */
  asked(question: Question): boolean;
  /** The refusal; undefined: it holds. */
  refusal(license: Licensed, question: Question): Omit<Reason, 'code'> | undefined;
}

const always = (): boolean => true;
const ofMachine = ({ standing }: Question): boolean => standing !== undefined;
const stays = 'what is applied stays applied';

/** All of them, in the order in which people would ask. They decide leases and explain refusals: there is no second list. */
export const rules: readonly Rule[] = [
  {
    code: 'license-transferred',
    ground: 'transfer',
    asked: ({ customerId }) => customerId !== undefined,
    refusal: ({ licenseId, customerId }, question) =>
      customerId === question.customerId
        ? undefined
        : {
            reason: `licence ${licenseId} belongs to another customer now`,
            advice: `register with a licence of your own; ${stays}`,
          },
  },
  {
    code: 'license-revoked',
    ground: 'revocation',
    asked: always,
    refusal: ({ status }) =>
      status === 'revoked'
        ? { reason: 'the licence was revoked', advice: `${stays}; a new licence has to be issued` }
        : undefined,
  },
  {
    code: 'license-not-yet-valid',
    ground: 'terms',
    asked: always,
    refusal: ({ terms }, { at }) =>
      at.getTime() < Date.parse(terms.notBefore)
        ? { reason: `the licence begins at ${terms.notBefore}`, advice: 'wait for it, or check the clock' }
        : undefined,
  },
  {
    code: 'license-expired',
    ground: 'terms',
    asked: always,
    refusal: ({ terms }, { at }) =>
      at.getTime() >= endMs(terms)
        ? {
            reason: `the licence ended at ${terms.expiresAt} with ${terms.graceSec} s of grace`,
            advice: `${stays}; new bundles need ${plans[terms.kind].endAgreed ? 'the licence to be renewed' : 'more days, or a subscription'}`,
          }
        : undefined,
  },
  {
    code: 'distro-not-covered',
    ground: 'terms',
    asked: always,
    refusal: ({ terms }, { kernel }) =>
      terms.distros.includes(kernel.distro)
        ? undefined
        : {
            reason: `the licence covers ${terms.distros.join(', ')}, not ${kernel.distro}`,
            advice: `a licence for ${kernel.distro}`,
          },
  },
  {
    code: 'major-not-covered',
    ground: 'terms',
    asked: always,
    refusal: ({ terms: { majors } }, { kernel: { major } }) =>
      majors === undefined || (major !== undefined && majors.includes(major))
        ? undefined
        : {
            reason: `the licence covers the releases ${majors.join(', ')}, not ${major ?? 'one that the machine does not name'}`,
            advice: 'a licence for this release, or VERSION_ID in /etc/os-release where it is missing',
          },
  },
  {
    code: 'arch-not-covered',
    ground: 'terms',
    asked: ({ kernel }) => kernel.arch !== undefined,
    refusal: ({ terms: { arches } }, { kernel: { arch } }) =>
      arch === undefined || arches === undefined || arches.includes(arch)
        ? undefined
        : {
            reason: `the licence covers ${arches.join(', ')}, not ${arch}`,
            advice: 'a licence for this architecture',
          },
  },
  {
    code: 'tier-not-covered',
    ground: 'terms',
    asked: ({ tier }) => tier !== undefined,
    refusal: ({ terms }, { tier }) =>
      tier === undefined || tierReceives(terms.tier, tier)
        ? undefined
        : {
            reason: `the licence covers what has reached ${terms.tier}, not ${tier}`,
            advice: `wait until it is promoted to ${terms.tier}`,
          },
  },
  {
    code: 'machine-retired',
    ground: 'seat',
    asked: ofMachine,
    refusal: (_license, { standing }) =>
      standing?.retired === true
        ? {
            reason: 'this machine was retired by an operator',
            advice: `${stays}; a machine that lives on needs a new key: remove its state folder, then register it`,
          }
        : undefined,
  },
  {
    code: 'machine-released',
    ground: 'seat',
    asked: ofMachine,
    refusal: (_license, { standing, registers }) =>
      standing?.released === true && registers !== true
        ? {
            reason: 'an operator freed the seat of this machine',
            advice: `${stays}; register it again: it has a seat while one is free`,
          }
        : undefined,
  },
  {
    code: 'machine-cloned',
    ground: 'enrolments',
    asked: ofMachine,
    // Registering by hand says which of the two is the machine from now on.
    refusal: (_license, { standing, registers }) =>
      standing?.elsewhere === true && registers !== true
        ? {
            reason: 'the key of this machine was registered on other hardware',
            advice: `${stays}; a copy of a machine needs a key of its own: remove its state folder, then register it. Where it is the same disk in another machine, register it again`,
          }
        : undefined,
  },
  {
    code: 'no-seat-left',
    ground: 'enrolments',
    asked: ofMachine,
    refusal: ({ licenseId, terms }, { standing }) =>
      standing === undefined || standing.seated || standing.otherMachines < terms.seats
        ? undefined
        : {
            reason: `all ${terms.seats} seats of licence ${licenseId} are taken`,
            advice: 'more seats, or a seat that another machine gives up',
          },
  },
  {
    code: 'hardware-enrolled-again',
    ground: 'displacement',
    asked: ofMachine,
    refusal: (_license, { standing }) =>
      standing?.displacedBy === undefined
        ? undefined
        : {
            reason: `machine ${standing.displacedBy} enrolled later on the same hardware and has this one's seat`,
            advice: 'copies of one virtual machine need a product_uuid of their own; then register this one anew',
          },
  },
  {
    code: 'trial-used-on-machine',
    ground: 'earlier-trial',
    asked: ofMachine,
    refusal: ({ terms }, { standing }) =>
      standing?.earlierTrial === undefined || !plans[terms.kind].oncePerMachine
        ? undefined
        : {
            reason: `this machine has had the trial ${standing.earlierTrial}`,
            advice: 'a machine has one trial of a distribution: a subscription goes on where it ended',
          },
  },
  {
    code: 'too-many-enrolments',
    ground: 'enrolments',
    asked: ofMachine,
    refusal: ({ licenseId, terms }, { standing }) => {
      const { perSeat, atLeast } = plans[terms.kind].enrolmentsPerDay;
      const limit = Math.max(atLeast, terms.seats * perSeat);
      return standing === undefined || standing.seated || standing.enrolmentsToday < limit
        ? undefined
        : {
            reason: `${standing.enrolmentsToday} machines enrolled with licence ${licenseId} within a day`,
            advice: 'try again tomorrow; if these machines are not yours, have the licence revoked',
          };
    },
  },
  {
    code: 'too-many-reinstalls',
    ground: 'enrolments',
    asked: ofMachine,
    refusal: ({ terms }, { standing }) =>
      standing === undefined || standing.reinstalls <= plans[terms.kind].reinstallsPerMonth
        ? undefined
        : {
            reason: `the same hardware came back under ${standing.reinstalls} keys within 30 days`,
            advice: 'copies of one virtual machine need a product_uuid of their own',
          },
  },
];

/** All refusals of a question at once; but who shows what is another customer's is told nothing more of it. */
export function refusals(license: Licensed, question: Question): Reason[] {
  const all = rules.flatMap((rule) => {
    const refusal = rule.asked(question) ? rule.refusal(license, question) : undefined;
    return refusal === undefined ? [] : [{ code: rule.code, ...refusal }];
  });
  const foreign = all.find(({ code }) => code === 'license-transferred');
  return foreign === undefined ? all : [foreign];
}

/** The moment (ms) from which nothing new is served: the end with its grace; Infinity for one without end. */
export function endMs({ expiresAt, graceSec }: LicenseTerms): number {
  return expiresAt === undefined ? Infinity : Date.parse(expiresAt) + graceSec * 1000;
}

/** How far back enrolments count, in ms. */
export const enrolmentWindowsMs = { day: dayMs, month: 30 * dayMs } as const;
