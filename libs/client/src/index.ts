export * from './service-client.js';
export { ServiceError } from './service-error.js';
