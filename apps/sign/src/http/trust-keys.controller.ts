import { Controller, Get, Header } from '@nestjs/common';
import { type TrustKeys, trustKeysSchema } from '#libs/contracts';
import { Answers } from '#libs/service';
import { PublicTrust } from '../public-trust.js';

/** The public keys, for everybody. An agent pins them from a channel it trusts (`trust.json`); this is for comparing. */
@Controller('v1/trust')
export class TrustKeysController {
  constructor(private readonly trust: PublicTrust) {}

  @Get('keys')
  @Answers(trustKeysSchema, 'The keys that bundles, leases and licences are signed with')
  @Header('cache-control', 'public, max-age=300')
  keys(): TrustKeys {
    return this.trust.keys();
  }
}
