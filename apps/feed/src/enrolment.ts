import { Injectable } from '@nestjs/common';
import { listenerNkey } from '#libs/broker';
import {
  derivedId,
  type EventData,
  hintSubject,
  type LeaseResponse,
  type Reason,
  type RunningKernel,
} from '#libs/contracts';
import { EventStore, EventStoreError, type StreamName } from '#libs/eventstore';
import { licenseFrom } from '#libs/licensing';
import { Clock, HintAccess, Metrics, Pepper, Problem } from '#libs/service';
import { type License, openLicense, TrustError } from '#libs/trust';
import { decideLease, type LeaseDecision } from './domain/lease.js';
import { machineFrom, type MachineState } from './domain/machine.js';
import { KeyedQueue } from './keyed-queue.js';
import { type Caller, MachineGate } from './machine-gate.js';
import { LeaseSigner, TrustSource } from './ports.js';
import { LiveIndex } from './projections/live-index.js';

export interface LeaseWish {
  /** The licence, compact JWS. */
  readonly license: string;
  readonly hostname?: string;
  readonly kernel: RunningKernel;
  /** The digest that the machine says identifies its hardware. */
  readonly hardware?: string;
}

type Asked = LeaseWish & { readonly registers: boolean };

/** How often a decision is made anew because somebody else wrote to the machine's stream first. */
const maxAttempts = 5;

/** Enrols machines and grants their leases. */
@Injectable()
export class Enrolment {
  private readonly queue = new KeyedQueue();

  constructor(
    private readonly events: EventStore,
    private readonly index: LiveIndex,
    private readonly gate: MachineGate,
    private readonly trust: TrustSource,
    private readonly signer: LeaseSigner,
    private readonly hints: HintAccess,
    private readonly clock: Clock,
    private readonly pepper: Pepper,
    private readonly metrics: Metrics,
  ) {}

  /** Enrols the caller, or lengthens its lease. @throws Problem 403 with the reasons. */
  async enrol(caller: Caller, wish: LeaseWish): Promise<LeaseResponse> {
    return this.lease(caller, wish, true);
  }

  private async lease(caller: Caller, wish: LeaseWish, registers: boolean): Promise<LeaseResponse> {
    const license = await this.open(wish.license);
    await this.gate.admitTo(caller, license);
    // Before the log is read: whoever revokes the licence from now on cuts off what is issued of this moment.
    const at = this.clock.now();
    const granted = await this.grant(caller, license, { ...wish, registers });
    return this.answer(granted, await this.signer.sign(granted, caller.keyThumbprint), caller, at);
  }

  /** Lengthens the lease of a machine that is enrolled. @throws Problem 403 with the reasons. */
  async renew(caller: Caller, wish: LeaseWish): Promise<LeaseResponse> {
    const { events } = await this.events.readStream(`machine.${caller.machineId}`);
    if (machineFrom(events.map((event) => event.fact)).enrolment === undefined) throw notEnrolled();
    return this.lease(caller, wish, false);
  }

  /** Opens a licence even if it has ended: the log knows whether it was renewed. */
  private async open(token: string): Promise<License> {
    try {
      return await openLicense(token, await this.trust.keys());
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      throw this.leaseRefused([{ code: `license-${error.code}`, reason: error.message }]);
    }
  }

  /**
   * One at a time for a licence, on an index that has seen everything, so that two machines don't take its last seat.
   * (Several feed processes could still, in the moment between reading and writing: seats are counted, not locked.)
   */
  private grant(caller: Caller, license: License, wish: Asked): Promise<EventData<'LeaseGranted'>> {
    return this.queue.run(license.licenseId, async () => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await this.decide(caller, license, wish);
        } catch (error) {
          const isRace = error instanceof EventStoreError && error.code === 'wrong-expected-revision';
          if (!isRace || attempt >= maxAttempts) throw error;
        }
      }
    });
  }

  private async decide(caller: Caller, license: License, wish: Asked): Promise<EventData<'LeaseGranted'>> {
    const { licenseId, customerId } = license;
    const { machineId, keyThumbprint, keyX } = caller;
    const { hostname, kernel, registers } = wish;
    const at = this.clock.now();
    const index = await this.index.at(await this.events.lastPosition());
    const { events } = await this.events.readStream(`license.${licenseId}`);
    const stream: StreamName = `machine.${machineId}`;
    const past = await this.events.readStream(stream);
    const state: MachineState = machineFrom(past.events.map((event) => event.fact));
    const hardware =
      wish.hardware === undefined ? state.enrolment?.hardware : this.pepper.mark('hardware', wish.hardware);
    const told = hardware === undefined ? {} : { hardware };
    const decision = decideLease(
      {
        machineId,
        keyThumbprint,
        hintUser: listenerNkey(keyX),
        ...(hostname === undefined ? {} : { hostname }),
        ...told,
        kernel,
        registers,
        licenseId,
        customerId,
        license: licenseFrom(events.map((event) => event.fact)),
        standing: index.standing({ machineId, ...told }, licenseId, at),
        at,
      },
      state,
    );
    await this.record(stream, past.revision, decision, caller);
    if ('refused' in decision) throw this.leaseRefused(decision.refused);
    return decision.granted;
  }

  private async record(stream: StreamName, expected: number, decision: LeaseDecision, caller: Caller): Promise<void> {
    if (decision.facts.length === 0) return;
    const { revision } = await this.events.appendToStream(stream, expected, decision.facts, {
      actor: `machine:${caller.machineId}`,
      // One request decides once: the proof's id is never accepted twice.
      commandId: `lease:${derivedId(caller.machineId, caller.jti)}`,
      correlationId: `machine:${caller.machineId}`,
    });
    // The machine's next request must find it enrolled.
    await this.index.at(revision);
  }

  private leaseRefused(reasons: readonly Reason[]): Problem {
    this.metrics.refused('lease', reasons);
    return new Problem({
      status: 403,
      code: 'lease-refused',
      title: 'No lease for this machine',
      detail: reasons.map((one) => one.reason).join('; '),
      extra: { reasons },
    });
  }

  private answer(lease: EventData<'LeaseGranted'>, token: string, { keyX: x }: Caller, from: Date): LeaseResponse {
    const { machineId, expiresAt, tier } = lease;
    const { host, port } = this.hints;
    const subjects = [hintSubject(lease.kernel, tier)];
    const credentials = this.hints.credentialsFor({ machineId, x, subjects, from, until: new Date(expiresAt) });
    return {
      schema: 1,
      machineId,
      lease: token,
      expiresAt,
      tier,
      hints: { ...(host === undefined ? {} : { host }), port, ...credentials, subjects },
    };
  }
}

export function notEnrolled(): Problem {
  return new Problem({ status: 403, code: 'not-enrolled', title: 'This machine is not enrolled' });
}
