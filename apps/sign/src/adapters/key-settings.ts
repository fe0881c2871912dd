import { z } from 'zod';

const settingsSchema = z.object({
  /** The file with the passphrase of the service's keys. */
  SPLICECAST_KEY_PASSPHRASE_FILE: z.string().min(1).optional(),
  SPLICECAST_KEY_PASSPHRASE: z.string().min(1).optional(),
  /** Where the offline keys are: `here` makes them beside the service, for trying out. */
  SPLICECAST_CEREMONY: z.enum(['here', 'elsewhere']).default('here'),
});

/** What sign is told from outside about its keys. */
export interface KeySettings {
  readonly passphraseFile: string | undefined;
  readonly passphrase: string | undefined;
  readonly ceremony: 'here' | 'elsewhere';
}

/** Reads them from the environment. @throws ZodError that names the variable. */
export function keySettings(environment: Readonly<Record<string, string | undefined>>): KeySettings {
  const settings = settingsSchema.parse(environment);
  return {
    passphraseFile: settings.SPLICECAST_KEY_PASSPHRASE_FILE,
    passphrase: settings.SPLICECAST_KEY_PASSPHRASE,
    ceremony: settings.SPLICECAST_CEREMONY,
  };
}
