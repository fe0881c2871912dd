// A ceremony in steps: a draft that nobody has signed goes from holder to holder, or copies of it go to all of them at once and come
// back to be merged. No step needs the service, and none but `addSignature` a private key.
import { TufError } from '../errors.js';
import { isSignedBy, type PublicKey } from '../keys/key.js';
import type { PublicHalf, Signer } from '../keys/signer.js';
import { fileBytes } from '../metadata/canonical.js';
import { parseEnvelope } from '../metadata/envelope.js';
import { asObject, asString, type JsonObject, parseJson } from '../metadata/json.js';
import type { RoleKeys, Root } from '../metadata/roles.js';
import type { Policy } from './policy.js';
import { type DelegateHolders, type KeyHolders, rootStatement, topTargetsStatement } from './root.js';
import { noticeRoles } from './layout.js';

/** The kinds of metadata that are signed offline. */
export type OfflineRole = 'root' | 'targets';

/** The first root, or the one that follows, with no signatures yet. @throws TufError `threshold-not-met` for too few keys. */
export function draftRoot(before: Uint8Array | undefined, holders: KeyHolders, policy: Policy, nowMs: number): Buffer {
  const version = before === undefined ? 1 : parseEnvelope('root', before).role.version + 1;
  return unsigned(rootStatement(version, holders, policy, nowMs));
}

/** The top-level targets, or those that follow, with no signatures yet. @throws TufError `invalid-name`, `threshold-not-met`. */
export function draftTopTargets(
  before: Uint8Array | undefined,
  channels: readonly string[],
  holders: DelegateHolders,
  policy: Policy,
  nowMs: number,
): Buffer {
  const version = before === undefined ? 1 : parseEnvelope('targets', before).role.version + 1;
  return unsigned(topTargetsStatement(version, channels, holders, policy, nowMs));
}

/** What an offline role is, without a look at who signed it. @throws TufError `wrong-role`, `malformed-metadata`. */
export function offlineRoleOf(file: Uint8Array): {
  readonly type: OfflineRole;
  readonly version: number;
  readonly expiresMs: number;
} {
  const type = asString(asObject(parseJson(file)['signed'], 'signed')['_type'], '_type', 64);
  if (type !== 'root' && type !== 'targets') {
    throw new TufError('wrong-role', `${type} metadata is signed by the service, not in a ceremony`);
  }
  const { version, expiresMs } = parseEnvelope(type, file).role;
  return { type, version, expiresMs };
}

/** Adds one holder's signature; the same key's earlier one is replaced. What the file says stays as it is. */
export async function addSignature(file: Uint8Array, signer: Signer): Promise<Buffer> {
  const { type } = offlineRoleOf(file);
  const { payload } = parseEnvelope(type, file);
  const sig = (await signer.sign(payload)).toString('hex');
  return withSignatures(file, new Map([...signaturesOf(file), [signer.keyId, sig]]));
}

/** One file with the signatures of several copies of it. @throws TufError `not-the-same` if the copies say different things. */
export function mergeSignatures(first: Uint8Array, others: readonly Uint8Array[]): Buffer {
  const signatures = new Map(signaturesOf(first));
  for (const other of others) {
    if (!payloadOf(other).equals(payloadOf(first))) {
      throw new TufError('not-the-same', 'the copies differ in more than their signatures: ask who changed which');
    }
    // A signature in the file at hand stays: a broken one in a copy must not push a good one out.
    for (const [keyId, sig] of signaturesOf(other)) if (!signatures.has(keyId)) signatures.set(keyId, sig);
  }
  return withSignatures(first, signatures);
}

/** How far one group of keys has signed. */
export interface Standing {
  /** `root 3`: whose keys these are. */
  readonly of: string;
  readonly threshold: number;
  /** Key ids whose signature holds, and those still missing. */
  readonly signed: readonly string[];
  readonly missing: readonly string[];
}

/**
 * Who has signed: for a root its own keys, and those of the root before it, which must both reach their threshold (5.3.4); for the
 * top-level targets the keys of the root that governs them.
 * @param root the root before, or the governing one; without it only a root's own keys are looked at.
 */
export function standingsOf(file: Uint8Array, root: Uint8Array | undefined): readonly Standing[] {
  const { type, version } = offlineRoleOf(file);
  const groups: { readonly of: string; readonly keys: Root['keys']; readonly role: RoleKeys }[] = [];
  if (root !== undefined) {
    const governing = parseEnvelope('root', root).role;
    groups.push({ of: `root ${governing.version}`, keys: governing.keys, role: governing.roles[type] });
  }
  if (type === 'root') {
    const own = parseEnvelope('root', file).role;
    groups.push({ of: `root ${version}`, keys: own.keys, role: own.roles.root });
  }
  const { payload, signatures } = parseEnvelope(type, file);
  const holds = (keyId: string, key: PublicKey | undefined): boolean =>
    key !== undefined && signatures.some((one) => one.keyId === keyId && isSignedBy(key, payload, one.sig));
  return groups.map(({ of, keys, role }) => {
    const signed = role.keyIds.filter((keyId) => holds(keyId, keys.get(keyId)));
    return { of, threshold: role.threshold, signed, missing: role.keyIds.filter((keyId) => !signed.includes(keyId)) };
  });
}

/** Whose keys a root names now: where a rotation begins. */
export function holdersOf(root: Uint8Array): KeyHolders {
  const signed = asObject(parseJson(root)['signed'], 'signed');
  const { roles } = parseEnvelope('root', root).role;
  const keys = asObject(signed['keys'], 'keys');
  const of = (name: keyof Root['roles']): PublicHalf[] =>
    roles[name].keyIds.map((keyId) => ({ keyId, publicKey: asObject(keys[keyId], 'a key') }));
  return { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') };
}

/** The channels that top-level targets name, and the keys that they are delegated to. */
export function delegatesOf(targets: Uint8Array): {
  readonly channels: readonly string[];
  readonly holders: DelegateHolders;
} {
  const roles = parseEnvelope('targets', targets).role.delegations?.roles ?? [];
  const delegations = asObject(asObject(parseJson(targets)['signed'], 'signed')['delegations'], 'delegations');
  const keys = asObject(delegations['keys'], 'keys');
  const halves = (role: RoleKeys): PublicHalf[] =>
    role.keyIds.map((keyId) => ({ keyId, publicKey: asObject(keys[keyId], 'a key') }));
  const channels = roles.filter(({ name }) => !isNotice(name));
  const notice = roles.find(({ name }) => isNotice(name));
  return {
    channels: channels.map(({ name }) => name),
    holders: {
      channel: distinct(channels.flatMap(halves)),
      recall: notice === undefined ? [] : halves(notice),
    },
  };
}

function distinct(holders: readonly PublicHalf[]): PublicHalf[] {
  return [...new Map(holders.map((holder) => [holder.keyId, holder])).values()];
}

function unsigned(signed: JsonObject): Buffer {
  return fileBytes({ signed, signatures: [] });
}

function signaturesOf(file: Uint8Array): [string, string][] {
  return parseEnvelope(offlineRoleOf(file).type, file).signatures.map(({ keyId, sig }) => [keyId, sig]);
}

function withSignatures(file: Uint8Array, signatures: ReadonlyMap<string, string>): Buffer {
  const sorted = [...signatures].sort(([a], [b]) => (a < b ? -1 : 1)).map(([keyid, sig]) => ({ keyid, sig }));
  return fileBytes({ signed: asObject(parseJson(file)['signed'], 'signed'), signatures: sorted });
}

function payloadOf(file: Uint8Array): Buffer {
  return parseEnvelope(offlineRoleOf(file).type, file).payload;
}

function isNotice(name: string): boolean {
  return (noticeRoles as readonly string[]).includes(name);
}
