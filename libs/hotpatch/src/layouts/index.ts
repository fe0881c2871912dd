export { checkObjectTypes, checkTypes } from './check.js';
export { layoutsFirst } from './first.js';
