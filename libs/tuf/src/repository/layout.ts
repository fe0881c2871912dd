// Who may speak for what:
//
//   targets ─► recall, revocation          recall/*, revocation/*
//           └► debian-x86_64                debian-x86_64/*/*
//              └► debian-x86_64/6.1.0-54…   debian-x86_64/6.1.0-54…/*
//
// Every delegation is terminating: what is below `debian-x86_64/` is debian-x86_64's to say or nobody's. The middle level is there so that
// a new kernel needs no offline key, and so that no machine reads the delegations of another distribution.
import { TufError } from '../errors.js';
import type { JsonObject } from '../metadata/json.js';
import type { PublicHalf } from '../keys/signer.js';
import type { Policy, RolePolicy } from './policy.js';

/** A role that the top delegates to, besides channels. */
export const noticeRoles = ['recall', 'revocation'] as const;
export type NoticeRole = (typeof noticeRoles)[number];

export function isNotice(role: string): boolean {
  return (noticeRoles as readonly string[]).includes(role);
}

/** One component of a path: no wildcard, which would match other releases, and nothing that a URL or a file system reads. */
const component = /^[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}$/;

/** @throws TufError `invalid-name`. */
export function checkComponent(text: string): string {
  if (!component.test(text))
    throw new TufError('invalid-name', `"${text}" can be no part of a role's name or of a path`);
  return text;
}

/** @throws TufError `invalid-name` for a channel that is called like another role. */
export function checkChannel(channel: string): string {
  if (['root', 'timestamp', 'snapshot', 'targets', ...noticeRoles].includes(channel)) {
    throw new TufError('invalid-name', `a channel can't be called ${channel}`);
  }
  return checkComponent(channel);
}

/** `debian-x86_64/6.1.0-54-amd64`: the role of a kernel release, and the folder of its bundles. @throws TufError `invalid-name`. */
export function releaseRole(channel: string, release: string): string {
  return `${checkChannel(channel)}/${checkComponent(release)}`;
}

/** What governs a delegated role, by its name. */
export function policyOf(role: string, policy: Policy): RolePolicy {
  if (isNotice(role)) return policy.recall;
  return role.includes('/') ? policy.release : policy.channel;
}

/** The pattern that a delegated role may speak for. */
function patternOf(role: string): string {
  if (isNotice(role)) return `${role}/*`;
  return role.includes('/') ? `${role}/*` : `${role}/*/*`;
}

/** One delegation, as metadata carries it. */
export function delegationTo(role: string, holders: readonly PublicHalf[], { threshold }: RolePolicy): JsonObject {
  return {
    name: role,
    keyids: holders.map(({ keyId }) => keyId),
    threshold,
    terminating: true,
    paths: [patternOf(role)],
  };
}

/** Public keys by id, as metadata carries them. */
export function keysOf(holders: readonly PublicHalf[]): JsonObject {
  return Object.fromEntries(holders.map(({ keyId, publicKey }) => [keyId, publicKey]));
}
