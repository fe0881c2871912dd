import { Injectable } from '@nestjs/common';
import type { EventType, RunningKernel, Tier } from '#libs/contracts';
import { EventStore, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { type Cited, explain, type Explanation, type KnownLicense, licenseFrom, type Standing } from '#libs/licensing';
import { Clock, Problem } from '#libs/service';
import { StandingSource } from './ports.js';

export interface ExplainRequest {
  readonly machine?: string;
  /** Instead of what the machine said of itself. */
  readonly distro?: string;
  readonly major?: string;
  readonly tier?: Tier;
  /** ISO 8601: judged as of then, by what the log had then; now, if absent. */
  readonly at?: string;
}

/** A machine as its own stream tells it. */
interface Teller {
  readonly machineId: string;
  readonly kernel?: RunningKernel;
  readonly hardware?: string;
  /** Whom the token that it showed names. */
  readonly customerId?: string;
  readonly enrolments: readonly Cited[];
  /** What an operator did to its seat since. */
  readonly seat: readonly Cited[];
}

/** Says why a machine may, or may not, have something new under a licence: by the rules that decide on leases, from the log itself. */
@Injectable()
export class LicenseExplanation {
  constructor(
    private readonly events: EventStore,
    private readonly standings: StandingSource,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem 404 for an unknown licence or machine, 422 if it isn't clear for which kernel, 503 */
  async of(licenseId: string, request: ExplainRequest): Promise<Explanation> {
    const until = request.at === undefined ? undefined : new Date(request.at);
    const at = until ?? this.clock.now();
    const past = await this.read(`license.${licenseId}`, until);
    const license = licenseFrom(past.map(({ fact }) => fact));
    if (license.status === 'unknown') throw Problem.notFound('licence', licenseId);
    const machine = request.machine === undefined ? undefined : await this.machine(request.machine, until);
    const kernel = kernelOf(request, license, machine);
    // Seats are known as they are now: of another time only the licence's own rules can be told.
    const standing =
      machine === undefined || request.at !== undefined ? undefined : await this.standingOf(licenseId, machine);
    const question = {
      kernel,
      ...(request.tier === undefined ? {} : { tier: request.tier }),
      ...(standing === undefined ? {} : { standing }),
      ...(machine?.customerId === undefined ? {} : { customerId: machine.customerId }),
      at,
    };
    return explain(license, question, {
      terms: newest(past, ['TrialIssued', 'SubscriptionActivated', 'LicenseRenewed']),
      revocation: newest(past, ['LicenseRevoked']),
      transfer: newest(past, ['LicenseTransferred']),
      enrolments: machine?.enrolments ?? [],
      seat: machine?.seat ?? [],
      displacement: newest(await this.named(standing?.displacedBy, 'machine'), ['MachineEnrolled']),
      'earlier-trial': newest(await this.named(standing?.earlierTrial, 'license'), ['TrialIssued']),
    });
  }

  private standingOf(licenseId: string, { machineId, hardware }: Teller): Promise<Standing> {
    return this.standings.of({ licenseId, machineId, ...(hardware === undefined ? {} : { hardware }) });
  }

  /** What the log has of something that a standing names. */
  private async named(id: string | undefined, category: 'machine' | 'license'): Promise<readonly RecordedEvent[]> {
    return id === undefined ? [] : this.read(`${category}.${id}`, undefined);
  }

  private async machine(machineId: string, until?: Date): Promise<Teller> {
    const past = await this.read(`machine.${machineId}`, until);
    if (past.length === 0) throw Problem.notFound('machine', machineId);
    let teller: Teller = { machineId, enrolments: [], seat: [] };
    for (const event of past) {
      const { fact } = event;
      if (fact.type === 'LeaseGranted') teller = { ...teller, kernel: fact.data.kernel };
      if (fact.type === 'MachineReleased' || fact.type === 'MachineRetired')
        teller = { ...teller, seat: [cited(event)] };
      if (fact.type !== 'MachineEnrolled') continue;
      const { kernel, hardware, customerId } = fact.data;
      teller = { machineId, kernel, hardware, customerId, enrolments: [cited(event)], seat: [] };
    }
    return teller;
  }

  /** What the log had at a time; all of it, if none is given. */
  private async read(stream: StreamName, until = new Date(8.64e15)): Promise<readonly RecordedEvent[]> {
    const { events } = await this.events.readStream(stream);
    return events.filter(({ envelope }) => Date.parse(envelope.at) <= until.getTime());
  }
}

function kernelOf({ distro, major }: ExplainRequest, license: KnownLicense, machine: Teller | undefined) {
  const told = machine?.kernel;
  const asked = distro ?? told?.distro ?? (machine === undefined ? license.terms.distros[0] : undefined);
  if (asked === undefined) {
    throw new Problem({
      status: 422,
      code: 'kernel-unknown',
      title: 'This machine never said what it runs',
      detail: 'name the distribution with `distro`',
    });
  }
  const release = major ?? (distro === undefined || distro === told?.distro ? told?.major : undefined);
  return {
    distro: asked,
    ...(release === undefined ? {} : { major: release }),
    ...(told === undefined ? {} : { arch: told.arch }),
  };
}

function newest(events: readonly RecordedEvent[], types: readonly EventType[]): readonly Cited[] {
  const event = events.findLast(({ fact }) => types.includes(fact.type));
  return event === undefined ? [] : [cited(event)];
}

function cited({ envelope, fact, position }: RecordedEvent): Cited {
  const given = 'reason' in fact.data && typeof fact.data.reason === 'string' ? { reason: fact.data.reason } : {};
  return { id: envelope.id, type: fact.type, at: envelope.at, position, ...given };
}
