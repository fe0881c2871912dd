import { Option } from 'commander';

/** What each of the verbs takes. */
export interface Json {
  readonly json?: boolean;
}

export const jsonOption = (): Option => new Option('--json', 'for programs');

/** Of the verbs that open or seal a holder's key. */
export const passphraseOption = (): Option =>
  new Option('--passphrase-file <file>', 'else SPLICECAST_PASSPHRASE, else the terminal asks');
