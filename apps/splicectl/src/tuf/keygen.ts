import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { newEd25519Key } from '#libs/ed25519';
import { sealKey, writeKeyFile } from '#libs/keyfile';
import { Ed25519Signer } from '#libs/tuf';
import { show } from '../commands/resource.js';
import { openToken, passphraseOf, writeMetadata } from './files.js';
import { type Json, jsonOption, passphraseOption } from './options.js';

interface KeygenOptions extends Json {
  readonly name: string;
  readonly out: string;
  readonly pkcs11?: string;
  readonly passphraseFile?: string;
}

/** What a holder hands in. */
async function writePublicKey(file: string, key: { name: string; keyId: string; key: object }): Promise<void> {
  await writeMetadata(file, Buffer.from(`${JSON.stringify({ schema: 1, ...key }, null, 2)}\n`), false);
}

/** `splicectl tuf keygen`: offline. */
export function keygenCommand(): Command {
  return new Command('keygen')
    .description('make a holder’s key: NAME.key, sealed under a passphrase, and NAME.pub.json to hand in')
    .requiredOption('--name <name>', 'the holder')
    .option('--out <folder>', 'where', '.')
    .option('--pkcs11 <uri>', 'the key is in a token already: only NAME.pub.json is written')
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(async (options: KeygenOptions, self: Command) => {
      const { name, out } = options;
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) self.error('a name is letters, digits, dots and dashes');
      await mkdir(out, { recursive: true, mode: 0o700 });
      const publicFile = join(out, `${name}.pub.json`);
      if (options.pkcs11 !== undefined) {
        const { keyId, publicKey } = await openToken(options.pkcs11);
        await writePublicKey(publicFile, { name, keyId, key: publicKey });
        return show({ name, keyId, publicFile }, options.json);
      }
      const passphrase = await passphraseOf(options.passphraseFile, `passphrase for ${name}: `, true);
      const privateKey = newEd25519Key();
      const { keyId, publicKey } = new Ed25519Signer(privateKey);
      const keyFile = join(out, `${name}.key`);
      await writeKeyFile(keyFile, await sealKey(privateKey, name, passphrase));
      await writePublicKey(publicFile, { name, keyId, key: publicKey });
      show({ name, keyId, keyFile, publicFile }, options.json);
    });
}
