/** Where agents hear of news: told to each of them with its lease. */
export abstract class HintAccess {
  abstract readonly host?: string;
  abstract readonly port: number;
  abstract readonly user: string;
  abstract readonly password: string;
}
