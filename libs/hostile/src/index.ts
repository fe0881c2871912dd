export { type Damage, damaged, damageKinds, drawDamages, type Field } from './damage.js';
export { arFields, bootImageFields, btfFields, elfFields, mendTar, rpmFields, tarFields } from './fields.js';
export { forge } from './forge.js';
export { memoryUse, type MemoryUse, peakOf, watchMemory } from './memory.js';
export { Random } from './random.js';
