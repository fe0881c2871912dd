import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Clock, Problem } from '#libs/service';
import { RequestError, Requests } from '#libs/transport';
import { type LicenseClaim, LicenseSigner } from '../ports.js';

const answerSchema = z.object({ token: z.string().min(1).max(8192) });

/** Asks the sign stage, which alone holds keys. */
@Injectable()
export class RequestedLicenseSigner extends LicenseSigner {
  constructor(
    private readonly requests: Requests,
    private readonly clock: Clock,
  ) {
    super();
  }

  async sign(license: LicenseClaim): Promise<string> {
    const request = { ...license, issuedAt: this.clock.now().toISOString() };
    try {
      return answerSchema.parse(await this.requests.request('sign.license', request)).token;
    } catch (error) {
      throw unsigned(license.licenseId, error);
    }
  }
}

/** The licence stands; only its token is missing, and may be asked for again. */
function unsigned(licenseId: string, error: unknown): Problem {
  const refused = error instanceof RequestError && error.code === 'refused';
  const answered = refused || !(error instanceof RequestError);
  return new Problem({
    status: answered ? 502 : 503,
    code: answered ? 'signing-refused' : 'signing-unavailable',
    title: answered ? 'The licence could not be signed' : 'Nobody signs licences now',
    detail: `licence ${licenseId} is issued; ask for its token with POST /v1/licenses/${licenseId}/token`,
    extra: { licenseId, ...(refused && error.refusal !== undefined ? { refusal: error.refusal.code } : {}) },
  });
}
