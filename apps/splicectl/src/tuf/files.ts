import { readFile, stat } from 'node:fs/promises';
import { writeDurably } from '#libs/durable';
import { openKey, passphraseFrom, readKeyFile } from '#libs/keyfile';
import { Pkcs11Signer } from '#libs/pkcs11';
import { asJson, Ed25519Signer, type JsonObject, publicHalf, type PublicHalf, type Signer } from '#libs/tuf';

/** Far above any root or top-level targets. */
const maxFileBytes = 1024 * 1024;

/** A public key as its holder hands it in: `NAME.pub.json`. */
export interface NamedKey extends PublicHalf {
  readonly name: string;
}

/** Reads a file of the ceremony. */
export async function readMetadata(path: string): Promise<Buffer> {
  if ((await stat(path)).size > maxFileBytes) throw new Error(`${path} has more than ${maxFileBytes} bytes`);
  return readFile(path);
}

/** Reads the public half of a holder's key. @throws TufError `malformed-metadata`, `wrong-keys`. */
export async function readPublicKey(path: string): Promise<NamedKey> {
  const file = asJson(await readMetadata(path));
  const { name, key } = file;
  if (typeof name !== 'string' || key === undefined)
    throw new Error(`${path} is no public key of \`splicectl tuf keygen\``);
  return { name, ...publicHalf(key as JsonObject) };
}

const onlineRoles = ['channel', 'release', 'recall', 'snapshot', 'timestamp'] as const;
/** The public halves of the service's keys, by role. */
export type OnlineKeys = Readonly<Record<(typeof onlineRoles)[number], readonly PublicHalf[]>>;

/** Reads what `splicectl tuf online-keys` has saved. */
export async function readOnlineKeys(path: string): Promise<OnlineKeys> {
  const keys = asJson(await readMetadata(path))['keys'] as JsonObject | undefined;
  const of = (role: (typeof onlineRoles)[number]): PublicHalf[] => {
    const list = keys?.[role];
    if (!Array.isArray(list) || list.length === 0 || list.length > 16)
      throw new Error(`${path} names no keys for ${role}`);
    return list.map((key) => publicHalf(key as JsonObject));
  };
  return {
    channel: of('channel'),
    release: of('release'),
    recall: of('recall'),
    snapshot: of('snapshot'),
    timestamp: of('timestamp'),
  };
}

/** Opens a holder's key. */
export async function openSigner(path: string, passphraseFile: string | undefined): Promise<Ed25519Signer> {
  const sealed = await readKeyFile(path);
  const passphrase = await passphraseOf(passphraseFile, `passphrase of ${sealed.name}: `, false);
  return new Ed25519Signer(await openKey(sealed, passphrase));
}

/** A holder's key in a token; its PIN is in the file that the URI names, or in SPLICECAST_TOKEN_PIN. */
export async function openToken(uri: string): Promise<Signer> {
  return Pkcs11Signer.open(uri, process.env['SPLICECAST_TOKEN_PIN']);
}

/** The passphrase from a file, the environment or the terminal; never from an argument. */
export async function passphraseOf(file: string | undefined, prompt: string, confirm: boolean): Promise<Buffer> {
  const value = process.env['SPLICECAST_PASSPHRASE'];
  const passphrase = await passphraseFrom({ file, value, ask: { prompt, confirm } });
  if (passphrase !== undefined) return passphrase;
  throw new Error('no passphrase: use --passphrase-file, SPLICECAST_PASSPHRASE or a terminal');
}

/** Writes a file of the ceremony whole; one that is there already only where it is the one that is worked on. */
export async function writeMetadata(path: string, bytes: Uint8Array, mayReplace: boolean): Promise<void> {
  if (!mayReplace && (await stat(path).catch(() => undefined)) !== undefined) {
    throw new Error(`${path} is there already: move it away, or choose another --out`);
  }
  await writeDurably(path, bytes, 0o644);
}
