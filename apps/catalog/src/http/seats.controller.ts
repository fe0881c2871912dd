import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { aggregateIdSchema } from '#libs/contracts';
import { Answers, ZodBody } from '#libs/service';
import { MachineCommands } from '../machine-commands.js';
import { unseatedStates } from '../projections/machine.js';
import { AdminApi, KnownId } from './api.js';
import { IdempotencyKey } from './idempotency-key.js';

const unseatSchema = z.strictObject({ reason: z.string().min(1).max(1024) });
const unseatedSchema = z.object({ machineId: aggregateIdSchema, state: z.enum(unseatedStates) });
type Unseated = z.infer<typeof unseatedSchema>;

/** What operators do with machines' seats. */
@AdminApi()
@Controller('v1/machines')
export class SeatsController {
  constructor(private readonly commands: MachineCommands) {}

  @Post(':id/release')
  @Answers(
    unseatedSchema,
    'Its seat is free; what is applied stays, and it has a seat again once it is registered anew',
  )
  async release(
    @Param('id', new KnownId('machine')) machineId: string,
    @Body(new ZodBody(unseatSchema)) { reason }: z.infer<typeof unseatSchema>,
    @IdempotencyKey() key: string,
  ): Promise<Unseated> {
    await this.commands.unseat(key, { type: 'ReleaseMachine', machineId, reason });
    return { machineId, state: 'released' };
  }

  @Post(':id/retirement')
  @Answers(unseatedSchema, 'Its seat is free, and its key never gets anything new again; what is applied stays')
  async retire(
    @Param('id', new KnownId('machine')) machineId: string,
    @Body(new ZodBody(unseatSchema)) { reason }: z.infer<typeof unseatSchema>,
    @IdempotencyKey() key: string,
  ): Promise<Unseated> {
    await this.commands.unseat(key, { type: 'RetireMachine', machineId, reason });
    return { machineId, state: 'retired' };
  }
}
