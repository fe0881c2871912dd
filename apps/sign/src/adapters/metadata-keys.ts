import { Pkcs11Signer } from '#libs/pkcs11';
import type { JsonObject, OnlineSigners, Signer } from '#libs/tuf';
import { Ed25519Signer, standardPolicy } from '#libs/tuf';
import { KeyFolder } from './key-folder.js';

/** The roles whose keys the service holds. */
export const onlineRoles = ['channel', 'release', 'recall', 'snapshot', 'timestamp'] as const;

/**
 * Opens the online keys of the signed metadata, `<role>-<n>` of each role as many as must sign; more may be added for a change of
 * keys, and those sign that the offline roles name. Each may be somewhere else: `release-1.key` in the folder, `release-2.pkcs11` in a token.
 * @throws KeyFolderError, TokenError
 */
export async function openMetadataKeys(path: string, passphrase?: Buffer): Promise<OnlineSigners> {
  const wanted = onlineRoles.flatMap((role) =>
    Array.from({ length: standardPolicy[role].threshold }, (_, n) => `${role}-${n + 1}`),
  );
  const folder = await KeyFolder.open(path, wanted, passphrase);
  const names = await folder.names();
  const of = async (role: (typeof onlineRoles)[number]): Promise<Signer[]> => {
    const signers: Signer[] = [];
    for (const name of names.filter((one) => one.startsWith(`${role}-`))) {
      const uri = await folder.uri(name);
      signers.push(uri === undefined ? new Ed25519Signer(await folder.key(name)) : await Pkcs11Signer.open(uri));
    }
    return signers;
  };
  return {
    channel: await of('channel'),
    release: await of('release'),
    recall: await of('recall'),
    snapshot: await of('snapshot'),
    timestamp: await of('timestamp'),
  };
}

/** The public halves, as a ceremony takes them: `splicectl tuf init --online`. */
export function publicHalves(signers: OnlineSigners): Record<(typeof onlineRoles)[number], JsonObject[]> {
  const of = (role: (typeof onlineRoles)[number]): JsonObject[] => signers[role].map(({ publicKey }) => publicKey);
  return {
    channel: of('channel'),
    release: of('release'),
    recall: of('recall'),
    snapshot: of('snapshot'),
    timestamp: of('timestamp'),
  };
}
