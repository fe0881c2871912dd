import { Injectable } from '@nestjs/common';
import {
  decideMachine,
  evolveMachineSeat,
  initialMachineSeat,
  type MachineCommand,
  type MachineSeat,
  type MachineSeatFact,
  machineSeatFactTypes,
} from '#libs/licensing';
import { type Aggregate, Aggregates, contextOf } from './aggregates.js';

const machineSeat: Aggregate<MachineSeat, MachineSeatFact> = {
  types: machineSeatFactTypes,
  initial: initialMachineSeat,
  evolve: evolveMachineSeat,
};

/** What an operator may do with a machine. What is applied on it stays, whatever is done. */
@Injectable()
export class MachineCommands {
  constructor(private readonly aggregates: Aggregates) {}

  /** Frees its seat, for now or for good. @throws LicensingRefusal */
  async unseat(key: string, command: MachineCommand): Promise<MachineSeat> {
    const { type, machineId } = command;
    return this.aggregates.handle(`machine.${machineId}`, machineSeat, contextOf(type, machineId, key), (state) =>
      decideMachine(command, state),
    );
  }
}
