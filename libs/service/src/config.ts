import { join, resolve } from 'node:path';
import { z } from 'zod';
import { aggregateIdSchema } from '#libs/contracts';

const port = z.coerce.number().int().min(0).max(65_535);

/** What the environment may say, with its defaults. An unknown value stops the start, named, instead of being guessed at. */
const environmentSchema = z.object({
  SPLICECAST_DATA: z.string().min(1).default('data'),
  SPLICECAST_HOST: z.string().min(1).default('127.0.0.1'),
  SPLICECAST_PORT: port.default(8420),
  /** Port of the embedded NATS server; 0 = any free one. */
  SPLICECAST_NATS_PORT: port.default(0),
  /** Where agents reach the hints, if not on the service's own host and the server's own port. */
  SPLICECAST_HINTS_HOST: z.string().max(253).optional(),
  SPLICECAST_HINTS_PORT: port.optional(),
  /** The vendor's own distribution: served without limit; every other one by trial or subscription. */
  SPLICECAST_OWN_DISTRO: aggregateIdSchema.default('splicecast'),
  SPLICECAST_ADMIN_TOKEN: z.string().min(24).max(256).optional(),
  /** 32 bytes in hex, the same for all stages; made in the data folder where it isn't given. */
  SPLICECAST_PEPPER: z
    .string()
    .regex(/^[0-9a-f]{64}$/, '64 hex digits')
    .optional(),
  NATS_URL: z.string().min(1).optional(),
  NATS_USER: z.string().optional(),
  NATS_PASSWORD: z.string().optional(),
  NATS_AGENT_USER: z.string().default('agent'),
  NATS_AGENT_PASSWORD: z.string().optional(),
  DATABASE_URL: z.string().min(1).optional(),
});

/** The environment doesn't say what it should. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'bad-config';
}

/** What a service is told from outside. Secrets in it are never logged. */
export class ServiceConfig {
  constructor(
    /** Absolute folder of all state. */
    readonly dataDir: string,
    readonly host: string,
    readonly port: number,
    readonly natsPort: number,
    readonly ownDistro: string,
    readonly hints: { readonly host?: string; readonly port?: number },
    readonly adminToken?: string,
    readonly nats?: {
      readonly url: string;
      readonly user?: string;
      readonly password?: string;
      readonly agentUser: string;
      readonly agentPassword?: string;
    },
    readonly databaseUrl?: string,
    readonly pepper?: string,
  ) {}

  /** The folder of the blobs, which all stages share. */
  get blobsDir(): string {
    return join(this.dataDir, 'blobs');
  }

  /** The repository of the source trees, which all stages share. */
  get treesDir(): string {
    return join(this.dataDir, 'trees.git');
  }

  /** Reads the configuration. @throws ConfigError that names each variable that is wrong. */
  static from(environment: Readonly<Record<string, string | undefined>>): ServiceConfig {
    const parsed = environmentSchema.safeParse(environment);
    if (!parsed.success) {
      const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
      throw new ConfigError(`the environment is not usable:\n  ${lines.join('\n  ')}`);
    }
    const e = parsed.data;
    return new ServiceConfig(
      resolve(e.SPLICECAST_DATA),
      e.SPLICECAST_HOST,
      e.SPLICECAST_PORT,
      e.SPLICECAST_NATS_PORT,
      e.SPLICECAST_OWN_DISTRO,
      { host: e.SPLICECAST_HINTS_HOST, port: e.SPLICECAST_HINTS_PORT },
      e.SPLICECAST_ADMIN_TOKEN,
      e.NATS_URL === undefined
        ? undefined
        : {
            url: e.NATS_URL,
            user: e.NATS_USER,
            password: e.NATS_PASSWORD,
            agentUser: e.NATS_AGENT_USER,
            agentPassword: e.NATS_AGENT_PASSWORD,
          },
      e.DATABASE_URL,
      e.SPLICECAST_PEPPER,
    );
  }
}
