export { hintsAccountToken, type Revocations } from './accounts.js';
export { authenticatorFor } from './authenticator.js';
export { type BrokerKeys, openBrokerKeys } from './keys.js';
export { nkeyOf } from './nkey.js';
export { serverTrustText } from './server-trust.js';
export {
  type Listener,
  listenerNkey,
  listenerToken,
  publisherUser,
  serviceUser,
  systemUser,
  type UserCredentials,
} from './users.js';
