import { createHmac, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { fact } from '#libs/contracts';
import { FeedUnderTest, running, sha256 } from './feed.fixture.js';
import { TestMachine } from './machine.fixture.js';
import { newKey, type Signer } from './sign.fixture.js';

export const at = new Date('2026-11-23T10:00:00.000Z');
export const license = 'lic-1';

/** A feed with two customers' machines before its doors. */
class Stand {
  under!: FeedUnderTest;
  machine!: TestMachine;
  /** Of another customer. */
  other!: TestMachine;
  /** The licence of `machine`. */
  token!: string;
  artefact!: Buffer;

  async open(): Promise<void> {
    this.under = new FeedUnderTest();
    this.under.clock.fixed = at;
    await this.under.start();
    [this.machine, this.other] = [new TestMachine(this.under), new TestMachine(this.under)];
    this.token = await this.under.license(license);
    this.artefact = await this.under.bundle('b1', 'stable');
    await this.machine.enrol(this.token, { hardware: sha256(Buffer.from('the machine')) });
    await this.other.enrol(await this.under.license('lic-2'));
  }
}

export const stand = new Stand();

/** Has the stand ready for a file's tests. */
export function openStand(): void {
  beforeAll(async () => stand.open());
  afterAll(async () => stand.under.stop());
  afterEach(() => (stand.under.clock.fixed = at));
}

/** Something that a machine asks, with what it shows. */
export interface Door {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly path: () => string;
  readonly body?: () => object;
  /** The path names the machine. */
  readonly own?: true;
  /** It shows its licence. */
  readonly license?: true;
  /** It shows its lease: `needed` where nothing is had without. */
  readonly lease?: 'needed' | 'if-any';
}

const own = (what: string) => (): string => `/v1/machines/${stand.machine.id}/${what}`;
export const wish = (): object => ({ license: stand.token, kernel: running });
let reports = 0;
export const doors: Readonly<Record<string, Door>> = {
  enrolment: { method: 'POST', path: () => '/v1/machines', body: wish, license: true },
  'another lease': { method: 'POST', path: own('lease'), body: wish, own: true, license: true },
  updates: { method: 'GET', path: own('updates'), own: true, lease: 'if-any' },
  hints: { method: 'GET', path: own('hints?wait=0'), own: true, lease: 'if-any' },
  reports: {
    method: 'POST',
    path: own('reports'),
    body: () => ({ reportId: `r${(reports += 1)}`, facts: [fetched(stand.machine)] }),
    own: true,
  },
  'an artefact': { method: 'GET', path: () => '/v1/bundles/b1/artefact', lease: 'needed' },
  'an artefact’s size': { method: 'HEAD', path: () => '/v1/bundles/b1/artefact', lease: 'needed' },
  'a target of the metadata': {
    method: 'GET',
    path: () => `/tuf/targets/debian-x86_64/${running.release}/${sha256(stand.artefact)}.b1.tar.gz`,
    lease: 'needed',
  },
};
export const fetched = ({ id: machineId }: TestMachine) => fact('UpdateStaged', { machineId, bundleId: 'b1' });
/** The doors of a kind, by name. */
export const those = (which: (door: Door) => unknown): readonly [string, Door][] =>
  Object.entries(doors).filter(([, door]) => which(door));

const problemSchema = z.object({
  type: z.string(),
  title: z.string().min(1),
  status: z.int(),
  code: z.string().regex(/^[a-z][a-z0-9-]+$/),
  reasons: z.array(z.object({ code: z.string(), reason: z.string() })).optional(),
});

interface Shown {
  readonly proof?: string;
  readonly lease?: string;
  readonly body?: object;
  /** Nothing of these may be seen in the answer or in the log. */
  readonly secrets?: readonly string[];
}

/**
 * Sends one request, and sees that a refusal is told, counted and kept as it must be.
 * @returns `200`, `401 proof-missing`, `403 lease-refused license-revoked`
 */
export async function knock({ method, path, body }: Door, shown: Shown = {}, as = stand.machine): Promise<string> {
  const { under } = stand;
  const [before, lines] = [await counted(), under.said.length];
  const response = await as.send(method, path(), { body: body?.(), ...shown });
  const text = await response.text();
  await under.settled();
  const counts = [...(await counted())].map(([what, count]) => [what, count - (before.get(what) ?? 0)] as const);
  const refused = counts.filter(([, times]) => times > 0);
  keepsQuiet([...under.said.slice(lines), ...(response.ok ? [] : [text])].join('\n'), shown);
  // Each once: the problem, and each reason that it has.
  expect(refused.map(([, times]) => times)).toEqual(refused.map(() => 1));
  if (response.ok) return String(response.status);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const codes = refused.flatMap(([what]) => (what.startsWith('request ') ? [what.slice('request '.length)] : []));
  const reasons = refused.flatMap(([what]) => (what.startsWith('request ') ? [] : (what.split(' ')[1] ?? '')));
  // The answer to HEAD is the same but for the document.
  if (method !== 'HEAD') {
    const problem = problemSchema.parse(JSON.parse(text));
    expect([problem.status, [problem.code]]).toEqual([response.status, codes]);
    expect(problem.type).toBe(`urn:splicecast:problem:${problem.code}`);
    expect((problem.reasons ?? []).map(({ code }) => code)).toEqual(reasons);
  }
  return [response.status, ...codes, ...reasons].join(' ');
}

/** No stack, and nothing of what was shown; but a token's header, which is the same in all of a kind. */
function keepsQuiet(heard: string, { proof, lease, secrets = [] }: Shown): void {
  for (const token of [proof, lease, ...secrets]) {
    const [, ...parts] = token?.split('.') ?? [];
    for (const part of parts.filter(({ length }) => length >= 16)) expect(heard).not.toContain(part);
  }
  expect(heard).not.toMatch(/\n\s+at |node_modules|\.[jt]s:\d/);
}

/** What Prometheus is told of refusals: `request proof-missing` → how many. */
async function counted(): Promise<Map<string, number>> {
  const lines = (await stand.under.metricsText()).matchAll(
    /^splicecast_refusals_total\{what="(.+?)",code="(.+?)"\} (\d+)$/gm,
  );
  return new Map([...lines].map(([, what, code, count]) => [`${what} ${code}`, Number(count)]));
}

/** A part of a token. */
export const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signed by nobody, or with what everybody knows. */
export function unsigned(alg: string, header: object, claims: object, secret?: KeyObject | Buffer): string {
  const input = `${segment({ alg, ...header })}.${segment(claims)}`;
  return `${input}.${secret === undefined ? '' : createHmac('sha256', secret).update(input).digest('base64url')}`;
}

export const publicBytes = ({ jwk }: Signer): Buffer => Buffer.from(jwk.x, 'base64url');

/** A key that nobody knows. */
export const stranger = newKey();
