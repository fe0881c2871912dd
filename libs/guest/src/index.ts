export * from './errors.js';
export * from './guest.js';
export { guestNetwork, shareMounts } from './init.js';
export { busyboxApplets } from './initramfs.js';
export { guestModules } from './modules.js';
export * from './packaged-kernel.js';
export * from './share.js';
