import type { bundleEvents, EventData, Fact, licenseEvents, machineEvents } from '#libs/contracts';

/** What an event says to people. */
export interface Told {
  readonly text: string;
  /** Resources that it is about, by their paths. */
  readonly links: readonly string[];
}

/** What a machine's own history, its licences' and its bundles' consist of: a new event of these doesn't compile without its sentence. */
type Telling = keyof typeof machineEvents | keyof typeof bundleEvents | keyof typeof licenseEvents;
type Tellers = { readonly [T in Telling]: (data: EventData<T>) => Told };

const tellers: Tellers = {
  MachineEnrolled: ({ licenseId, kernel, hostname }) => ({
    text: `enrolled${hostname === undefined ? '' : ` as ${hostname}`} with licence ${licenseId}, running ${kernel.release} (${kernel.distro})`,
    links: [license(licenseId)],
  }),
  LeaseGranted: ({ licenseId, kernel, tier, expiresAt }) => ({
    text: `was granted a lease of licence ${licenseId} for ${kernel.release}, tier ${tier}, until ${expiresAt}`,
    links: [license(licenseId)],
  }),
  MachineReleased: ({ licenseId, reason }) => ({
    text: `its seat of licence ${licenseId} was freed: ${reason}`,
    links: [license(licenseId)],
  }),
  MachineRetired: ({ reason }) => ({ text: `was retired: ${reason}`, links: [] }),
  LeaseRefused: ({ reasons }) => ({ text: `was refused a lease: ${because(reasons)}`, links: [] }),
  UpdateStaged: ({ bundleId }) => ({ text: `fetched bundle ${bundleId}`, links: [bundle(bundleId)] }),
  UpdateApplied: ({ bundleId, transitionMs }) => ({
    text: `applied bundle ${bundleId}; the transition took ${transitionMs} ms`,
    links: [bundle(bundleId)],
  }),
  UpdateStalled: ({ bundleId, tasks }) => ({
    text: `bundle ${bundleId} is held up by ${tasks.map(({ name, pid }) => `${name} (${pid})`).join(', ') || 'a task'}`,
    links: [bundle(bundleId)],
  }),
  UpdateReversed: ({ bundleId, transitionMs }) => ({
    text: `took bundle ${bundleId} back; the transition took ${transitionMs} ms`,
    links: [bundle(bundleId)],
  }),
  UpdateReplaced: ({ bundleId, by }) => ({
    text: `bundle ${bundleId} was replaced by level ${by}`,
    links: [bundle(bundleId), bundle(by)],
  }),
  UpdateFailed: ({ bundleId, reasons }) => ({
    text: `could not apply bundle ${bundleId}: ${because(reasons)}`,
    links: [bundle(bundleId)],
  }),
  BundleAssembled: ({ bundleId, fixIds, level }) => ({
    text: `bundle ${bundleId} was assembled${level === undefined ? '' : ` as level ${level}`}: ${fixIds.length === 1 ? `fix ${fixIds[0]}` : `${fixIds.length} fixes`}`,
    links: [bundle(bundleId), ...(fixIds.length === 1 ? fixIds.map((fixId) => `/v1/fixes/${fixId}`) : [])],
  }),
  BundleSigned: ({ bundleId, keyIds }) => ({
    text: `bundle ${bundleId} was signed by ${keyIds.join(', ')}`,
    links: [bundle(bundleId)],
  }),
  BundlePromoted: ({ bundleId, tier }) => ({
    text: `bundle ${bundleId} was promoted to ${tier}`,
    links: [bundle(bundleId)],
  }),
  BundleRecalled: ({ bundleId, reason, keep }) => ({
    text: `bundle ${bundleId} was recalled${keep === true ? ', and is kept until the next boot' : ''}: ${reason}`,
    links: [bundle(bundleId)],
  }),
  TrialIssued: (data) => issued('trial', data),
  SubscriptionActivated: (data) => issued(data.terms.kind, data),
  LicenseRenewed: ({ licenseId, terms, extraDays, reason }) => ({
    text: `licence ${licenseId} ${changed(extraDays, reason)}${terms.expiresAt === undefined ? '' : `, until ${terms.expiresAt}`}${reason === undefined ? '' : `: ${reason}`}`,
    links: [license(licenseId)],
  }),
  LicenseTransferred: ({ licenseId, from, customerId, reason }) => ({
    text: `licence ${licenseId} went from customer ${from} to ${customerId}: ${reason}`,
    links: [license(licenseId), `/v1/customers/${customerId}`],
  }),
  LicenseRevoked: ({ licenseId, reason }) => ({
    text: `licence ${licenseId} was revoked: ${reason}`,
    links: [license(licenseId)],
  }),
};

/** Says an event in a sentence. One of a type that has none is named, never left out. */
export function tell(fact: Fact): Told {
  if (!isTold(fact)) return { text: fact.type, links: [] };
  const teller: (data: never) => Told = tellers[fact.type];
  return teller(fact.data as never);
}

function isTold(fact: Fact): fact is Fact<Telling> {
  return Object.hasOwn(tellers, fact.type);
}

function changed(extraDays: number | undefined, reason: string | undefined): string {
  if (extraDays !== undefined) return `got ${extraDays} more days`;
  return reason === undefined ? 'was renewed' : 'has other terms';
}

function issued(kind: string, { licenseId, customerId, terms }: EventData<'TrialIssued'>): Told {
  const until = terms.expiresAt === undefined ? 'without end' : `until ${terms.expiresAt}`;
  return {
    text: `licence ${licenseId} (${kind}) was issued to customer ${customerId}, ${until}`,
    links: [license(licenseId), `/v1/customers/${customerId}`],
  };
}

function because(reasons: readonly { readonly code: string; readonly reason: string }[]): string {
  return reasons.map(({ code, reason }) => `${reason} (${code})`).join('; ');
}

const bundle = (id: string): string => `/v1/bundles/${id}`;
const license = (id: string): string => `/v1/licenses/${id}`;
