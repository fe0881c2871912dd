import { Injectable, type RawBodyRequest } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock, Problem } from '#libs/service';
import {
  type Lease,
  type License,
  proofHeader,
  TrustError,
  type TrustErrorCode,
  verifyLease,
  verifyProof,
} from '#libs/trust';
import { TrustSource } from './ports.js';
import { proofsOfLicense, proofsOfMachine, ReplayWindow } from './replay-window.js';

export type MachineRequest = RawBodyRequest<FastifyRequest>;

/** Who makes a request: whoever holds the key is the machine. */
export interface Caller {
  readonly machineId: string;
  readonly keyThumbprint: string;
  /** `x` of its public key. */
  readonly keyX: string;
  readonly jti: string;
}

/** Largest body of a machine's request: a report of 100 facts with the stacks of stalled tasks. */
const maxBodyBytes = 512 * 1024;

/** Lets machines in: by a proof of their key, and where it is needed by their lease. */
@Injectable()
export class MachineGate {
  private readonly replays = new ReplayWindow();

  constructor(
    private readonly trust: TrustSource,
    private readonly clock: Clock,
  ) {}

  /**
   * Says who makes a request, from the proof alone. Call `admit` or `admitTo` once it is clear that this machine is one of
   * ours.
   * @param ownId the machine's id in the path, if there is one.
   * @throws Problem 401, 403, 413.
   */
  async identify(request: MachineRequest, ownId?: string): Promise<Caller> {
    const body = request.rawBody ?? Buffer.alloc(0);
    if (body.length > maxBodyBytes) {
      throw new Problem({ status: 413, code: 'body-too-large', title: `At most ${maxBodyBytes} bytes are taken here` });
    }
    const proof = request.headers[proofHeader];
    if (typeof proof !== 'string') {
      throw new Problem({ status: 401, code: 'proof-missing', title: 'A proof of the machine’s key is needed' });
    }
    const { method, originalUrl: path } = request;
    const { jwk, machineId, keyThumbprint, jti } = await refused('proof', () =>
      verifyProof(proof, { method, path, body, at: this.clock.now() }),
    );
    if (ownId !== undefined && ownId !== machineId) {
      throw new Problem({ status: 403, code: 'not-your-machine', title: 'A machine may only speak for itself' });
    }
    return { machineId, keyThumbprint, keyX: jwk.x, jti };
  }

  /** Takes the proof of a known machine, once. @throws Problem 401 `proof-replayed`, 429, 503. */
  async admit({ machineId, jti }: Caller): Promise<void> {
    await this.once(`machine:${machineId}`, proofsOfMachine, jti);
  }

  /** Takes the proof of a machine that shows a genuine licence, once. @throws Problem 401 `proof-replayed`, 429, 503. */
  async admitTo({ machineId, jti }: Caller, { licenseId, terms }: License): Promise<void> {
    await this.once(`license:${licenseId}`, proofsOfLicense(terms.seats), `${machineId}:${jti}`);
  }

  private async once(owner: string, max: number, proof: string): Promise<void> {
    await refused('proof', async () => this.replays.remember(owner, max, proof, this.clock.now()));
  }

  /** The caller's lease, which holds now. @throws Problem 401, 403. */
  async lease(request: MachineRequest, caller: Caller): Promise<Lease> {
    const token = bearerOf(request);
    if (token === undefined) {
      throw new Problem({ status: 401, code: 'lease-missing', title: 'A lease is needed' });
    }
    const keys = await this.trust.keys();
    return refused('lease', () => verifyLease(token, keys, caller, this.clock.now()));
  }

  /**
   * The caller's lease, if it holds now; undefined if it shows none, or one that has ended. One that isn't genuine, isn't its
   * own, or hasn't begun, is refused all the same.
   * @throws Problem 401, 403.
   */
  async leaseIfAny(request: MachineRequest, caller: Caller): Promise<Lease | undefined> {
    const token = bearerOf(request);
    if (token === undefined) return undefined;
    const keys = await this.trust.keys();
    return refused('lease', () => verifyLease(token, keys, caller, this.clock.now()).catch(noneIfEnded));
  }
}

function noneIfEnded(error: unknown): undefined {
  if (!(error instanceof TrustError) || error.code !== 'expired') throw error;
}

function bearerOf(request: MachineRequest): string | undefined {
  return /^Bearer ([A-Za-z0-9._-]{1,8192})$/i.exec(request.headers.authorization ?? '')?.[1];
}

const forbidden: readonly TrustErrorCode[] = ['wrong-subject', 'wrong-key', 'wrong-audience'];

/** Answers what isn't trusted as a problem: 401 where other credentials would help, 403 where they are somebody else's. */
async function refused<T>(what: 'proof' | 'lease', verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw new Problem({
      status: forbidden.includes(error.code) ? 403 : 401,
      code: `${what}-${error.code}`,
      title: `The ${what} is not accepted`,
      detail: error.message,
    });
  }
}
