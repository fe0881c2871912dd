import { Command } from 'commander';
import { listVerb, resourceCommand, showVerb } from './resource.js';

/** `splicectl cve list|show|machines` */
export function cveCommand(): Command {
  const command = resourceCommand('cve', 'cves', ['cveId', 'fixes', 'machines']);
  listVerb(command, {
    verb: 'machines <cve>',
    description: 'which machines are exposed, fixed live or fixed by reboot, and why',
    path: (cve = '') => `/v1/cves/${encodeURIComponent(cve)}/machines`,
    columns: ['machineId', 'hostname', 'state', 'why'],
  });
  return command;
}

/** `splicectl patch list|show` */
export function patchCommand(): Command {
  return resourceCommand('patch', 'patches', ['commit', 'dropId', 'kind', 'confidence', 'subject', 'cves']);
}

/** `splicectl event list|show`: the log itself. */
export function eventCommand(): Command {
  return resourceCommand('event', 'events', ['position', 'at', 'type', 'stream', 'actor', 'correlationId']);
}

/** `splicectl call list`: who called what. */
export function callCommand(): Command {
  const command = new Command('call').description('who called what on the API');
  listVerb(command, {
    verb: 'list',
    description: 'calls that may have changed something, or were refused for their role',
    path: () => '/v1/calls',
    columns: ['at', 'tokenId', 'role', 'method', 'path', 'status', 'remote'],
  });
  return command;
}

/** `splicectl publication list`: of the signed metadata. */
export function publicationCommand(): Command {
  const command = new Command('publication').description('publications of the signed metadata');
  listVerb(command, {
    verb: 'list',
    description: 'what was published, in order',
    path: () => '/v1/publications',
    columns: ['position', 'at', 'bundles', 'recalled', 'expiresAt'],
  });
  return command;
}

/** `splicectl function provenance`: where bytes come from. */
export function functionCommand(): Command {
  const command = new Command('function').description('functions of kernels, by the SHA-256 of their bytes');
  showVerb(command, (sha256) => `/v1/functions/${encodeURIComponent(sha256)}/provenance`, {
    verb: 'provenance <sha256>',
    description: 'its fix, the commits, their hunks of the monolith, and the bundles with it',
  });
  return command;
}
