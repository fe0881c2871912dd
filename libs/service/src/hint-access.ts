import { type BrokerKeys, type Listener, listenerToken, type Revocations } from '#libs/broker';
import type { HintControl } from '#libs/hints';

/** As whom a machine listens. */
export type HintCredentials =
  /** Its own user, with its own key, until its lease ends. */
  | { readonly token: string }
  /** One account for all machines, on servers that are not governed by our keys. */
  | { readonly user: string; readonly password: string };

/** Where and as whom machines hear of news, which each is told with its lease; and who doesn't any more. */
export abstract class HintAccess {
  /** Absent: the service's own host. */
  abstract readonly host?: string;
  abstract readonly port: number;
  abstract credentialsFor(listener: Listener): HintCredentials;
  /** Ends the connections of these users now. The whole list, each time. @throws HintError `unavailable` */
  abstract cutOff(revocations: Revocations): Promise<void>;
  /** How many connections there are on the servers, the services' own publishers among them; undefined where nobody can say. */
  abstract connected(): Promise<number | undefined>;
}

interface Where {
  readonly host?: string;
  readonly port: number;
}

/** On servers that go by our keys: each machine is a user of its own. */
export class TokenHintAccess extends HintAccess {
  readonly host?: string;
  readonly port: number;

  constructor(
    where: Where,
    private readonly keys: Pick<BrokerKeys, 'hints'>,
    private readonly control: HintControl,
  ) {
    super();
    this.host = where.host;
    this.port = where.port;
  }

  credentialsFor(listener: Listener): HintCredentials {
    return { token: listenerToken(this.keys, listener) };
  }

  async cutOff(revocations: Revocations): Promise<void> {
    await this.control.cutOff(revocations);
  }

  async connected(): Promise<number> {
    return this.control.connected();
  }
}

/** On servers that know names and passwords: whoever has the machines' password hears all hints, revoked or not. */
export class PasswordHintAccess extends HintAccess {
  readonly host?: string;
  readonly port: number;

  constructor(
    where: Where,
    private readonly account: { readonly user: string; readonly password: string },
  ) {
    super();
    this.host = where.host;
    this.port = where.port;
  }

  credentialsFor(): HintCredentials {
    return this.account;
  }

  async cutOff(): Promise<void> {}

  async connected(): Promise<undefined> {
    return undefined;
  }
}
