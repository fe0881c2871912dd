import { Command } from 'commander';
import { addSignature, mergeSignatures } from '#libs/tuf';
import { openSigner, openToken, readMetadata, writeMetadata } from './files.js';
import { type Json, jsonOption, passphraseOption } from './options.js';
import { fileStanding, showStandings } from './standing.js';

interface SignOptions extends Json {
  readonly key?: string;
  readonly pkcs11?: string;
  readonly passphraseFile?: string;
  readonly merge?: readonly string[];
  readonly root?: string;
}

/** `splicectl tuf sign`: offline. */
export function signCommand(): Command {
  return new Command('sign')
    .description('add a holder’s signature to a file, or those of other copies of it; it says what it signs')
    .argument('<file>', 'a draft, e.g. 2.root.json')
    .option('--key <file>', 'the holder’s sealed key')
    .option('--pkcs11 <uri>', 'or the holder’s key in a token')
    .addOption(passphraseOption())
    .option('--merge <copy...>', 'copies that others have signed')
    .option('--root <file>', 'the root before it, or the one that governs targets: whose signatures count')
    .addOption(jsonOption())
    .action(async (file: string, options: SignOptions, self: Command) => {
      const { key, pkcs11, merge } = options;
      if (key === undefined && pkcs11 === undefined && merge === undefined)
        self.error('give --key, --pkcs11 or --merge');
      const root = options.root === undefined ? undefined : await readMetadata(options.root);
      let bytes = await readMetadata(file);
      if (options.merge !== undefined)
        bytes = mergeSignatures(bytes, await Promise.all(options.merge.map(readMetadata)));
      if (key !== undefined || pkcs11 !== undefined) {
        const signer =
          pkcs11 === undefined ? await openSigner(key ?? '', options.passphraseFile) : await openToken(pkcs11);
        const groups = fileStanding(file, bytes, root, Date.now()).groups;
        const isEntitled = groups.some(({ signed, missing }) => [...signed, ...missing].includes(signer.keyId));
        if (groups.length > 0 && !isEntitled) self.error(`key ${signer.keyId.slice(0, 12)} may not sign this file`);
        bytes = await addSignature(bytes, signer);
      }
      await writeMetadata(file, bytes, true);
      showStandings([fileStanding(file, bytes, root, Date.now())], options.json);
    });
}
