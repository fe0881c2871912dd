export { checkTypes } from './check.js';
