import { Command } from 'commander';
import { connect } from '../connection.js';
import { printJson, recordSchema } from '../output.js';
import { readMetadata } from '../tuf/files.js';
import { initCommand } from '../tuf/init.js';
import { keygenCommand } from '../tuf/keygen.js';
import { type Json, jsonOption } from '../tuf/options.js';
import { rotateCommand } from '../tuf/rotate.js';
import { signCommand } from '../tuf/sign.js';
import { statusCommand } from '../tuf/status.js';
import { show } from './resource.js';

/** `splicectl tuf keygen|init|sign|rotate|status|publish|online-keys`: all but the last two work offline, on files. */
export function tufCommand(): Command {
  return new Command('tuf')
    .description('the offline roles of the signed metadata: keys, ceremonies, rotation')
    .addCommand(keygenCommand())
    .addCommand(initCommand())
    .addCommand(signCommand())
    .addCommand(rotateCommand())
    .addCommand(statusCommand())
    .addCommand(publishCommand())
    .addCommand(onlineKeysCommand());
}

function publishCommand(): Command {
  return new Command('publish')
    .description('hand signed roots and targets to the running service, all or none')
    .argument('<file...>', 'e.g. 2.root.json 3.targets.json')
    .addOption(jsonOption())
    .action(async (files: string[], options: Json, self: Command) => {
      const bytes = await Promise.all(files.map(readMetadata));
      const body = { files: bytes.map((one) => one.toString('base64')) };
      show(await connect(self).post('/v1/tuf/metadata', body, recordSchema), options.json);
    });
}

function onlineKeysCommand(): Command {
  return new Command('online-keys')
    .description('the public keys of the running service, for `init` and `rotate`')
    .action(async (_options: object, self: Command) => {
      const { schema: _schema, ...answer } = await connect(self).get('/v1/tuf/online-keys', recordSchema);
      printJson(answer);
    });
}
