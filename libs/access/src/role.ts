import { type Role, roleSchema } from '#libs/contracts';

/** Whether somebody with a role may do what needs another: viewer ⊂ operator ⊂ admin. */
export function allows(role: Role, needed: Role): boolean {
  return roleSchema.options.indexOf(role) >= roleSchema.options.indexOf(needed);
}
