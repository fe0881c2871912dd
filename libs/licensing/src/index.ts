export * from './customer.js';
export * from './effect.js';
export * from './entitlement.js';
export * from './license.js';
export * from './plans.js';
export * from './refusal.js';
export * from './tier.js';
