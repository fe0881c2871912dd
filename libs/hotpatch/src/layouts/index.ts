export { checkObjectTypes, checkTypes } from './check.js';
