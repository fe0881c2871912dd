import { generateKeyPairSync } from 'node:crypto';
import { leaseResponseSchema, publicJwkSchema, type RunningKernel } from '#libs/contracts';
import { leaseClaimsSchema, machineIdOf, makeProof, proofHeader } from '#libs/trust';
import { type Answer, ask, jsonOf } from './asking.js';

const answerMs = 15_000;

/** A lease as the machine holds it. */
export interface HeldLease {
  readonly token: string;
  readonly leaseId: string;
  readonly licenseId: string;
  readonly kernel: RunningKernel;
  readonly expiresMs: number;
  /** When the machine got it. */
  readonly atMs: number;
}

/** A request, when it was sent, and what came back. */
export interface Exchanged {
  readonly sentMs: number;
  /** Absent where no answer came. */
  readonly answer?: Answer;
}

/** The contract between machine and feed, spoken word by word. Each request is sent once. */
export class MachineClient {
  readonly machineId: string;
  readonly privateKey;
  private readonly publicJwk;

  constructor(private readonly url: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.privateKey = privateKey;
    this.publicJwk = publicJwkSchema.parse(publicKey.export({ format: 'jwk' }));
    this.machineId = machineIdOf(this.publicJwk);
  }

  post(path: string, json: object): Promise<Exchanged> {
    return this.send('POST', path, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(json)));
  }

  get(path: string, lease: HeldLease | undefined, headers: Record<string, string> = {}): Promise<Exchanged> {
    const bearer: Record<string, string> = lease === undefined ? {} : { authorization: `Bearer ${lease.token}` };
    return this.send('GET', path, { ...headers, ...bearer });
  }

  private async send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: Buffer<ArrayBuffer> = Buffer.alloc(0),
  ): Promise<Exchanged> {
    const { privateKey, publicJwk } = this;
    const proof = await makeProof({ method, path, body, at: new Date(), privateKey, publicJwk });
    const sentMs = Date.now();
    const init = {
      method,
      headers: { ...headers, [proofHeader]: proof },
      ...(body.length === 0 ? {} : { body }),
    };
    const answer = await ask(this.url + path, init, answerMs);
    return answer === undefined ? { sentMs } : { sentMs, answer };
  }
}

/** The lease in an answer. @throws ZodError for one that isn't as the contract says. */
export function leaseIn(answer: Answer): HeldLease {
  const { lease: token } = leaseResponseSchema.parse(jsonOf(answer));
  const claims = leaseClaimsSchema.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
  const { jti, lic, kern, exp } = claims;
  return { token, leaseId: jti, licenseId: lic, kernel: kern, expiresMs: exp * 1000, atMs: answer.atMs };
}
