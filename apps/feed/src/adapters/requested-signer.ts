import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { EventData } from '#libs/contracts';
import { Problem } from '#libs/service';
import { RequestError, Requests } from '#libs/transport';
import { LeaseSigner } from '../ports.js';

const answerSchema = z.object({ token: z.string().min(1).max(8192) });

/** Asks sign, which alone holds keys. */
@Injectable()
export class RequestedSigner extends LeaseSigner {
  constructor(private readonly requests: Requests) {
    super();
  }

  async sign(lease: EventData<'LeaseGranted'>, keyThumbprint: string): Promise<string> {
    try {
      return answerSchema.parse(await this.requests.request('sign.lease', { ...lease, keyThumbprint })).token;
    } catch (error) {
      throw problemOf(error);
    }
  }
}

/** Between being granted and being signed it ended (a short one, while the signer was away), or another request of the machine replaced it. */
const overtaken: ReadonlySet<string> = new Set(['lease-ended', 'not-in-log']);

function problemOf(error: unknown): unknown {
  if (!(error instanceof RequestError)) return error;
  if (error.code === 'refused') {
    if (overtaken.has(error.refusal?.code ?? '')) {
      return new Problem({
        status: 503,
        code: 'lease-overtaken',
        title: 'What this lease rests on changed while it was signed: try again',
        detail: error.message,
      });
    }
    if (error.refusal?.code !== 'license-revoked') return error;
    return new Problem({
      status: 403,
      code: 'lease-refused',
      title: 'No lease for this machine',
      detail: error.message,
    });
  }
  return new Problem({ status: 503, code: 'signer-unavailable', title: 'Nobody signs leases now: try again soon' });
}
