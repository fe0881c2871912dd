import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Random } from '#libs/hostile';
import { type Answer, ask, jsonOf } from './asking.js';
import { happens } from './chance.js';
import type { Violation } from './violation.js';
import { drawWish, type Wish, type WishKind } from './wish.js';
import type { World } from './world.js';

/** A wish, and how it ended. */
export interface Told {
  readonly wish: Wish;
  /** `ambiguous`: the operator gave up without an answer. */
  outcome: 'acknowledged' | 'refused' | 'ambiguous';
  /** How often it was sent, and how often no answer came back. */
  attempts: number;
  unanswered: number;
  status?: number;
  body?: unknown;
  /** When the answer was here. */
  answeredMs?: number;
}

const answerMs = 20_000;
/** Longer than any outage here. */
const patienceMs = 90_000;

/** Other wishes may find that there is nothing to do, and then leave nothing by which their repetition is known. */
const alwaysWrites: readonly WishKind[] = ['customer', 'license', 'renewal', 'extension', 'token', 'rotation'];

const answers = {
  customer: z.object({ customerId: z.string() }),
  license: z.object({ licenseId: z.string(), token: z.string() }),
  token: z.object({ tokenId: z.string(), secret: z.string() }),
};

/** Somebody who wishes for this and that, and asks again with the same key where no answer comes. */
export class Operator {
  private readonly random: Random;
  private wishes = 0;

  constructor(
    private readonly url: string,
    private readonly adminToken: string,
    private readonly world: World,
    private readonly seed: string,
    /** Hears of each wish, and of what is wrong. */
    private readonly told: (one: Told) => void,
    private readonly violated: (violation: Violation) => void,
  ) {
    this.random = new Random(seed);
  }

  /** Wishes for one thing and sees it through. */
  async step(): Promise<void> {
    await sleep(40 + this.random.below(260));
    this.wishes += 1;
    const wish = drawWish(this.random, this.world, `${this.seed}-${this.wishes}`);
    const givesUp = happens(this.random, 120);
    const asksAgain = happens(this.random, 200);
    const told = await this.tell(wish, givesUp);
    this.told(told);
    if (told.outcome !== 'acknowledged') return;
    await this.learn(told);
    if (asksAgain && alwaysWrites.includes(wish.kind)) await this.repeat(told);
  }

  /** Tells a wish that was carried out once more, as a client would whose answer got lost: it must hear the same. */
  async repeat(told: Told): Promise<void> {
    const again = await this.tell(told.wish, false);
    if (again.outcome === 'ambiguous' || isSameAnswer(told, again)) return;
    const { status, body } = again;
    const context = { wish: told.wish, first: { status: told.status, body: told.body }, second: { status, body } };
    const { key, kind } = told.wish;
    this.violated({
      check: 'repetition',
      what: `${kind} ${key} was answered otherwise the second time`,
      context,
      ofWish: key,
    });
  }

  private async tell(wish: Wish, givesUp: boolean): Promise<Told> {
    const told: Told = { wish, outcome: 'ambiguous', attempts: 0, unanswered: 0 };
    const deadline = Date.now() + patienceMs;
    for (let pauseMs = 50; Date.now() < deadline; pauseMs = Math.min(2 * pauseMs, 1_000)) {
      told.attempts += 1;
      const answer = await this.send(wish);
      const body = answer === undefined ? undefined : jsonOf(answer);
      if (answer?.body === undefined || body === undefined) {
        told.unanswered += 1;
        if (givesUp) return told;
      } else if (answer.status < 500) {
        const outcome = answer.status < 300 || wasDone(wish, answer.status, body) ? 'acknowledged' : 'refused';
        return Object.assign(told, { outcome, status: answer.status, body, answeredMs: answer.atMs });
      } else if (answer.status === 500) {
        this.violated({ check: 'status', what: `500 at ${wish.method} ${wish.path}`, context: body });
      }
      await sleep(pauseMs + this.random.below(pauseMs));
    }
    return told;
  }

  private send({ key, method, path, body }: Wish): Promise<Answer | undefined> {
    const headers = {
      authorization: `Bearer ${this.adminToken}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    };
    return ask(this.url + path, { method, headers, body: JSON.stringify(body) }, answerMs);
  }

  private async learn({ wish, body }: Told): Promise<void> {
    const { customers, licenses, tokens } = this.world;
    if (wish.kind === 'customer') customers.push(answers.customer.parse(body).customerId);
    const token = answers.token.safeParse(body).data;
    if (wish.kind === 'token' && token !== undefined) tokens.push(token);
    const license = answers.license.safeParse(body).data;
    if (wish.kind === 'license' && license !== undefined) {
      licenses.push({ ...license, distro: String(wish.body['distro']) });
    }
    if (wish.kind === 'transfer') await this.fetchToken(wish.path.split('/')[3] ?? '');
  }

  /** The new holder of a licence asks for its token. */
  private async fetchToken(licenseId: string): Promise<void> {
    const headers = { authorization: `Bearer ${this.adminToken}` };
    const answer = await ask(`${this.url}/v1/licenses/${licenseId}/token`, { method: 'POST', headers }, answerMs);
    const fresh = answers.license.safeParse(answer === undefined ? undefined : jsonOf(answer));
    const known = this.world.licenses.find((one) => one.licenseId === licenseId);
    if (fresh.success && known !== undefined) known.token = fresh.data.token;
  }
}

/** Asked again after the first answer was lost: a secret can't be told twice, and a licence may have been revoked meanwhile. */
function wasDone({ kind }: Wish, status: number, body: unknown): boolean {
  const code = codeSchema.safeParse(body).data?.code ?? '';
  return status === 409 && (doneCodes[kind] ?? []).includes(code);
}

const doneCodes: Partial<Record<WishKind, readonly string[]>> = {
  license: ['license-revoked'],
  token: ['token-exists'],
  rotation: ['done-before'],
};

const codeSchema = z.object({ code: z.string() });
const issuedSchema = z.object({ licenseId: z.string() });
const levelSchema = z.object({ levelId: z.string() });

/** Secrets can't be told twice; a licence's token is of its terms as they are now, and of none once it is revoked. */
function isSameAnswer({ wish, status, body }: Told, again: Told): boolean {
  const { kind } = wish;
  const code = codeSchema.safeParse(again.body).data?.code ?? '';
  if (kind === 'token' || kind === 'rotation') return ['done-before', 'token-exists', 'token-revoked'].includes(code);
  if (kind === 'license') {
    const isRevoked = again.status === 409 && code === 'license-revoked';
    const ids = [body, again.body].map((one) => issuedSchema.safeParse(one).data?.licenseId);
    return isRevoked || (again.status === status && ids[0] === ids[1]);
  }
  if (kind === 'level') {
    const ids = [body, again.body].map((one) => levelSchema.safeParse(one).data?.levelId);
    return again.status === status && ids[0] === ids[1];
  }
  return again.status === status && isDeepStrictEqual(body, again.body);
}
