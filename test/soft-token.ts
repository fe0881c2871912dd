import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** SoftHSM: a whole token in files, by the same interface as a smart card's. `npm run setup` installs it. */
const modulePath = '/usr/lib/softhsm/libsofthsm2.so';
const label = 'holder';

/** A token with two keys: `01` is Ed25519, which isn't what is asked for, and `02` ECDSA P-256. */
export class SoftToken {
  readonly pin = '123456';

  private constructor(readonly folder: string) {}

  /** Makes it, and lets this process's modules find it until `remove`. */
  static async make(): Promise<SoftToken> {
    const token = new SoftToken(await mkdtemp(join(tmpdir(), 'splicecast-token-test-')));
    const { folder, pin } = token;
    await mkdir(join(folder, 'tokens'));
    await writeFile(join(folder, 'pin'), `${pin}\n`, { mode: 0o600 });
    await writeFile(join(folder, 'conf'), `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\n`);
    process.env['SOFTHSM2_CONF'] = join(folder, 'conf');
    // A child of a test doesn't see what a test sets by itself.
    const options = { stdio: 'ignore', env: { ...process.env } } as const;
    const init = ['--init-token', '--free', '--label', label, '--so-pin', '654321', '--pin', pin];
    execFileSync('softhsm2-util', init, options);
    // Another kind of key comes first: what is asked for is found by its id, and not by being the first.
    for (const [id, type] of Object.entries({ '01': 'EC:edwards25519', '02': 'EC:prime256v1' })) {
      const where = ['--module', modulePath, '--token-label', label, '--login', '--pin', pin];
      execFileSync('pkcs11-tool', [...where, '--keypairgen', '--key-type', type, '--id', id], options);
    }
    return token;
  }

  /** Where its P-256 key is. @param changed what is said of it otherwise. */
  uri(
    changed: { readonly token?: string; readonly id?: string; readonly pinFile?: string; readonly more?: string } = {},
  ) {
    const { token = label, id = '%02', pinFile = join(this.folder, 'pin'), more = '' } = changed;
    return `pkcs11:token=${token};id=${id}?module-path=${modulePath}&pin-source=${pinFile}${more}`;
  }

  async remove(): Promise<void> {
    delete process.env['SOFTHSM2_CONF'];
    await rm(this.folder, { recursive: true, force: true });
  }
}
