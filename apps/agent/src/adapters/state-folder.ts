import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  leaseResponseSchema,
  runningKernelSchema,
  type TrustKeys,
  trustKeysSchema,
  updatePreferenceSchema,
  updatesResponseSchema,
} from '#libs/contracts';
import { type Hearing, hearingSchema, statusSchema } from '../domain/status.js';
import { AgentError } from '../errors.js';
import { BundleCache } from './bundle-cache.js';
import { JournalFile } from './journal-file.js';
import { JsonFile, readWhole } from './json-file.js';
import { withLock } from './lock-file.js';
import { type MachineKey, machineKeyOf, newPrivateJwk, privateJwkSchema } from './machine-key.js';
import { MetadataFolder, type PinnedRoot } from './metadata-folder.js';

const registrationSchema = z.object({
  url: z.url().max(2048),
  license: z.string().max(8192),
  /** Levels, unless it says otherwise. */
  prefers: updatePreferenceSchema.optional(),
});
export type Registration = z.infer<typeof registrationSchema>;

const leaseSchema = z.object({
  /** When it was granted. */
  at: z.iso.datetime(),
  kernel: runningKernelSchema,
  answer: leaseResponseSchema,
});
export type HeldLease = z.infer<typeof leaseSchema>;

const offersSchema = z.object({ etag: z.string().max(256).optional(), updates: updatesResponseSchema });
export type HeldOffers = z.infer<typeof offersSchema>;

/** How the last check-in ended. */
const checkInSchema = z.object({
  at: z.iso.datetime(),
  problem: z.object({ code: z.string(), reason: z.string(), advice: z.string().optional() }).optional(),
});
export type CheckInResult = z.infer<typeof checkInSchema>;

const secret = 0o600;
const lockWaitMs = 180_000;

/** All that the agent remembers, by default in /var/lib/splicecast. Readable by its owner alone, except for status.json. */
export class StateFolder {
  readonly registration: JsonFile<Registration>;
  readonly lease: JsonFile<HeldLease>;
  readonly offers: JsonFile<HeldOffers>;
  readonly checkIn: JsonFile<CheckInResult>;
  readonly trust: JsonFile<TrustKeys>;
  /** How the daemon hears of news; absent while none runs. */
  readonly hearing: JsonFile<Hearing>;
  /** For monitoring, which needs no root. */
  readonly status;
  readonly journal: JournalFile;
  readonly bundles: BundleCache;
  /** The last record that the service has heard of. */
  readonly reported: JsonFile<{ seq: number }>;

  constructor(
    readonly folder: string,
    /** The file system's root, where /proc is. */
    private readonly root: string,
    now: () => Date,
  ) {
    const file = <T>(name: string, schema: z.ZodType<T>, mode = secret) =>
      new JsonFile(join(folder, name), schema, mode);
    this.registration = file('registration.json', registrationSchema);
    this.lease = file('lease.json', leaseSchema);
    this.offers = file('offers.json', offersSchema);
    this.reported = file('reported.json', z.object({ seq: z.number().int().nonnegative() }));
    this.checkIn = file('check-in.json', checkInSchema);
    this.trust = file('trust.json', trustKeysSchema);
    this.hearing = file('hearing.json', hearingSchema);
    this.status = file('status.json', statusSchema, 0o644);
    this.journal = new JournalFile(join(folder, 'journal.jsonl'), async () => this.bootId(), now);
    this.bundles = new BundleCache(join(folder, 'bundles'));
  }

  /** Makes the folders, and lets nobody else of the agent's processes in meanwhile. @throws AgentError `busy`. */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o755 });
      await mkdir(join(this.folder, 'bundles'), { recursive: true, mode: 0o700 });
    } catch (cause) {
      const advice = 'run this as root, or set SPLICECAST_STATE to a folder of yours';
      throw new AgentError('broken-state', (cause as Error).message, advice, { cause });
    }
    return withLock(join(this.folder, 'lock'), lockWaitMs, work);
  }

  /** Names this boot (proc(5) `random/boot_id`): live patches don't outlive it. @throws AgentError `broken-state`. */
  async bootId(): Promise<string> {
    const bytes = await readWhole(join(this.root, 'proc/sys/kernel/random/boot_id'));
    if (bytes === undefined) throw new AgentError('broken-state', '/proc is not mounted');
    return bytes.toString('utf8').trim();
  }

  /** What was seen of the signed metadata below this root. */
  metadata(pin: PinnedRoot): MetadataFolder {
    return new MetadataFolder(join(this.folder, 'metadata'), pin);
  }

  /** The machine's key; made at the first call with `create`. @throws AgentError `not-registered`, `broken-state`. */
  async machineKey(create = false): Promise<MachineKey> {
    const file = new JsonFile(join(this.folder, 'machine-key.json'), privateJwkSchema, secret);
    let jwk = await file.read();
    if (jwk === undefined) {
      if (!create) throw notRegistered();
      jwk = newPrivateJwk();
      await file.write(jwk);
    }
    try {
      return machineKeyOf(jwk);
    } catch (cause) {
      throw new AgentError('broken-state', `${file.path} is broken`, 'remove it and register again', { cause });
    }
  }
}

export function notRegistered(): AgentError {
  const advice = 'run `splicecast register --url URL --license FILE --trust FILE`';
  return new AgentError('not-registered', 'this machine is not registered', advice);
}
