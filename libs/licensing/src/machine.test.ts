import { fact } from '#libs/contracts';
import {
  decideMachine,
  evolveMachineSeat,
  initialMachineSeat,
  type LicensingRefusal,
  type LicensingRefusalCode,
  type MachineCommand,
  type MachineSeatFact,
} from './index.js';

const machineId = 'm1';
const reason = 'moved';
const enrolled = fact('MachineEnrolled', {
  machineId,
  licenseId: 'lic',
  customerId: 'acme',
  keyThumbprint: 'k'.repeat(43),
  kernel: { distro: 'debian', arch: 'x86_64', release: '6.1.0-54-amd64', buildId: 'ab'.repeat(20) },
});
const refused = fact('LeaseRefused', { machineId, reasons: [{ code: 'no-seat-left', reason: 'full' }] });
const released = fact('MachineReleased', { machineId, licenseId: 'lic', reason });
const retired = fact('MachineRetired', { machineId, reason });
const release: MachineCommand = { type: 'ReleaseMachine', machineId, reason };
const retire: MachineCommand = { type: 'RetireMachine', machineId, reason };

const decided = (past: readonly MachineSeatFact[], command: MachineCommand) => {
  try {
    return decideMachine(command, past.reduce(evolveMachineSeat, initialMachineSeat()));
  } catch (error) {
    return (error as LicensingRefusal).code;
  }
};

it.each<[string, readonly MachineSeatFact[], MachineCommand, readonly MachineSeatFact[] | LicensingRefusalCode]>([
  ['an enrolled machine is released', [enrolled], release, [released]],
  ['again is nothing', [enrolled, released], release, []],
  ['after it enrolled anew, it is released anew', [enrolled, released, enrolled], release, [released]],
  ['a refused lease leaves it enrolled', [enrolled, refused], release, [released]],
  ['one that was never let in has no seat', [refused], release, 'machine-not-enrolled'],
  ['nobody is released', [], release, 'machine-unknown'],
  ['an enrolled machine is retired', [enrolled], retire, [retired]],
  ['a released one too', [enrolled, released], retire, [retired]],
  ['one that was never let in too: it never will be', [refused], retire, [retired]],
  ['again is nothing', [enrolled, retired], retire, []],
  ['what is retired is not released', [enrolled, retired], release, 'machine-retired'],
  ['nothing undoes it', [enrolled, retired, enrolled], release, 'machine-retired'],
  ['nobody is retired', [], retire, 'machine-unknown'],
])('%s', (_what, past, command, expected) => expect(decided(past, command)).toEqual(expected));
