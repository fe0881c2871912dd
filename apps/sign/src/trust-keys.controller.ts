import { Controller, Get, Header } from '@nestjs/common';
import type { TrustKeys } from '#libs/contracts';
import { Keyring } from './ports.js';

/** The public keys, for everybody. An agent pins them from a channel it trusts (`trust.json`); this is for comparing. */
@Controller('v1/trust')
export class TrustKeysController {
  constructor(private readonly keyring: Keyring) {}

  @Get('keys')
  @Header('cache-control', 'public, max-age=300')
  keys(): TrustKeys {
    return this.keyring.trustKeys();
  }
}
