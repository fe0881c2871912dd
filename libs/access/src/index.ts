export * from './index-of-tokens.js';
export * from './rate-limit.js';
export * from './refusal.js';
export * from './role.js';
export * from './token.js';
