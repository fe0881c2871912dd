import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessError, run } from '#libs/process';
import { ecdsaKeyObject, type JsonObject, keyIdOf, Signer } from '#libs/tuf';
import { TokenError } from './errors.js';
import { type KeyReference, parseKeyUri } from './uri.js';

const program = 'pkcs11-tool';
/** A smart card takes a second or two, a network HSM less. */
const timeoutMs = 30_000;
const maxPinBytes = 256;
/** A public key or a signature has some hundred. */
const maxOutputBytes = 64 * 1024;
/** Where the tool looks for the PIN: in its environment, which nobody else can read, and never among its arguments, which everybody can. */
const pinVariable = 'SPLICECAST_TOKEN_PIN';

/** What a token's module may need of our environment. */
const passedOn = ['SOFTHSM2_CONF', 'P11_KIT_CONF', 'HOME'] as const;

/**
 * Signs with an ECDSA P-256 key in a PKCS#11 token, which it never leaves. No native code is loaded into this process: OpenSC's
 * `pkcs11-tool` runs as a child, in bounds, for each signature. It signs the SHA-256 of the payload, as `ecdsa-sha2-nistp256` asks: Ed25519 needs the
 * payload whole, and the tool gives a token no more than a kilobyte in one piece.
 */
export class Pkcs11Signer extends Signer {
  override readonly publicKey: JsonObject;
  override readonly keyId: string;
  readonly #key: KeyReference;
  readonly #pin: string;

  private constructor(key: KeyReference, pin: string, publicKey: KeyObject) {
    super();
    this.#key = key;
    this.#pin = pin;
    this.publicKey = ecdsaKeyObject(publicKey);
    this.keyId = keyIdOf(this.publicKey);
  }

  /**
   * Finds the key.
   * @param uri `pkcs11:token=T;id=%01?module-path=…&pin-source=…`; @param pin where the URI names no file with it.
   * @throws TokenError
   */
  static async open(uri: string, pin?: string): Promise<Pkcs11Signer> {
    const key = parseKeyUri(uri);
    const told = key.pinFile === undefined ? pin : await readPin(key.pinFile);
    if (told === undefined) throw new TokenError('malformed-uri', `key ${key.id}: the URI names no pin-source`);
    const spki = await call(key, ['--read-object', '--type', 'pubkey'], told);
    let publicKey: KeyObject;
    try {
      publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    } catch (cause) {
      throw new TokenError('wrong-key', `key ${key.id} in ${key.token} is no ECDSA P-256 key`, { cause });
    }
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      throw new TokenError('wrong-key', `key ${key.id} in ${key.token} is no ECDSA P-256 key`);
    }
    return new Pkcs11Signer(key, told, publicKey);
  }

  override async sign(payload: Buffer): Promise<Buffer> {
    const digest = createHash('sha256').update(payload).digest();
    const args = ['--sign', '--mechanism', 'ECDSA', '--signature-format', 'rs'];
    return derOf(await call(this.#key, args, this.#pin, digest));
  }
}

/** Runs the tool in a folder of its own: it takes and gives bytes in files. */
async function call(key: KeyReference, args: readonly string[], pin: string, input?: Buffer): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'splicecast-token-')); // mode 0700
  try {
    const [given, made] = [join(folder, 'input'), join(folder, 'output')];
    if (input !== undefined) await writeFile(given, input);
    await runTool(key, [...args, ...(input === undefined ? [] : ['--input-file', given]), '--output-file', made], pin);
    const { size } = await stat(made);
    if (size > maxOutputBytes) throw new TokenError('token-refused', `the token gave ${size} bytes`);
    return await readFile(made);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runTool({ modulePath, token, id }: KeyReference, args: readonly string[], pin: string): Promise<void> {
  const env: Record<string, string> = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', [pinVariable]: pin };
  for (const name of passedOn) if (process.env[name] !== undefined) env[name] = process.env[name];
  const where = ['--module', modulePath, '--token-label', token, '--id', id];
  const access = ['--login', '--pin', `env:${pinVariable}`];
  try {
    await run(program, [...where, ...access, ...args], { env, timeoutMs, maxOutputBytes });
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    if (cause.code === 'program-not-found') {
      throw new TokenError('tool-missing', `${program} is missing: install the package opensc`, { cause });
    }
    const said = cause.stderr.replaceAll(pin, '…').trim().split('\n').slice(0, 3).join('; ');
    throw new TokenError('token-refused', `key ${id} in ${token}: ${said || cause.message}`);
  }
}

async function readPin(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new TokenError('token-refused', `the PIN can't be read from ${file}`, { cause });
  });
  const pin = bytes.toString('utf8').trim();
  if (pin === '' || bytes.length > maxPinBytes) throw new TokenError('token-refused', `${file} holds no PIN`);
  return pin;
}

/** A token gives r and s side by side; metadata has them as DER (RFC 3279, 2.2.3). @throws TokenError `token-refused`. */
function derOf(rs: Buffer): Buffer {
  if (rs.length !== 64) throw new TokenError('token-refused', `the token gave a signature of ${rs.length} bytes`);
  const body = Buffer.concat([integer(rs.subarray(0, 32)), integer(rs.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

function integer(bytes: Buffer): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const short = bytes.subarray(from);
  const isNegative = (short[0] ?? 0) >= 0x80;
  return Buffer.concat([Buffer.from([0x02, short.length + (isNegative ? 1 : 0), ...(isNegative ? [0] : [])]), short]);
}
