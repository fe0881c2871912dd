import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { KeyFileError } from './errors.js';
import { readOwnFile } from './file.js';

/** NIST SP 800-63B's least for what a person remembers. */
const minBytes = 8;
const maxBytes = 1024;

/** Where a passphrase may come from. Never an argument: everybody on the machine sees those. */
export interface PassphraseSource {
  /** A file that only its owner can read; its last line end doesn't count. */
  readonly file?: string | undefined;
  /** From the environment. */
  readonly value?: string | undefined;
  /** Asked for at the terminal if there is one and nothing else is given; asked twice where `confirm`. */
  readonly ask?: { readonly prompt: string; readonly confirm: boolean } | undefined;
}

/** The passphrase, or undefined where no source has one. @throws KeyFileError `bad-passphrase`, `keys-exposed`, `key-missing`. */
export async function passphraseFrom({ file, value, ask }: PassphraseSource): Promise<Buffer | undefined> {
  if (file !== undefined && file !== '') return checked(await readOwnFile(file, maxBytes), file);
  if (value !== undefined && value !== '') return checked(value, 'the environment');
  if (ask === undefined || !process.stdin.isTTY) return undefined;
  const first = await askHidden(ask.prompt);
  if (ask.confirm && (await askHidden('once more: ')) !== first) {
    throw new KeyFileError('bad-passphrase', 'the two passphrases differ');
  }
  return checked(first, 'the terminal');
}

function checked(text: string, where: string): Buffer {
  const passphrase = Buffer.from(text.replace(/\r?\n$/, ''));
  if (passphrase.length >= minBytes && passphrase.length <= maxBytes) return passphrase;
  throw new KeyFileError('bad-passphrase', `the passphrase from ${where} must have ${minBytes} to ${maxBytes} bytes`);
}

/** Asks without showing what is typed. */
async function askHidden(prompt: string): Promise<string> {
  process.stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('SIGINT', () => reject(new KeyFileError('passphrase-missing', 'no passphrase was given')));
    });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
