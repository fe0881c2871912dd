import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { z } from 'zod';
import type { TrustKeys } from '#libs/contracts';
import { EventStore, type RecordedEvent, type StreamName } from '#libs/eventstore';
import { Clock, stage } from '#libs/service';
import { leaseClaims, leaseTokenRequestSchema } from './domain/lease-token.js';
import { licenseClaims, licenseTokenRequestSchema } from './domain/license-token.js';
import { SignRefusal } from './domain/refusal.js';
import { Keyring } from './ports.js';
import { PublicTrust } from './public-trust.js';

/** Signs licences and leases for the other stages. It believes the log and not the one who asks. */
@Controller()
export class Tokens {
  constructor(
    private readonly events: EventStore,
    private readonly keyring: Keyring,
    private readonly clock: Clock,
    private readonly trust: PublicTrust,
  ) {}

  @MessagePattern('sign.license', stage('sign'))
  async license(@Payload() body: unknown): Promise<{ token: string }> {
    const request = parse(licenseTokenRequestSchema, body);
    const claims = licenseClaims(request, await this.read(`license.${request.licenseId}`));
    return { token: await this.keyring.signLicense(claims) };
  }

  @MessagePattern('sign.lease', stage('sign'))
  async lease(@Payload() body: unknown): Promise<{ token: string }> {
    const request = parse(leaseTokenRequestSchema, body);
    const machine = await this.read(`machine.${request.machineId}`);
    const license = await this.read(`license.${request.licenseId}`);
    const claims = leaseClaims(request, machine, license, this.clock.now());
    return { token: await this.keyring.signLease(claims) };
  }

  @MessagePattern('sign.keys', stage('sign'))
  keys(): TrustKeys {
    return this.trust.keys();
  }

  private async read(stream: StreamName): Promise<readonly RecordedEvent[]> {
    return (await this.events.readStream(stream)).events;
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new SignRefusal('malformed-request', z.prettifyError(parsed.error));
  return parsed.data;
}
