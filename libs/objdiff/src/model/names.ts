/**
 * Names as the compiler numbers them. A number is given in order of use, so one more static variable in a file renumbers
 * all that come after it: numbers say nothing about identity.
 */

/** `__initcall__kmod_version__254_27_proc_version_init5`: counter and line. */
const initcall = /^(__initcall__kmod_.*?__)\d+_\d+_/;

/**
 * A name with its counters blanked: `count.12` → `count.#`, `f.isra.0.cold` → `f.isra.#.cold`,
 * `__UNIQUE_ID_ddebug271.4` → `__UNIQUE_ID_ddebug#.#`. Names of one shape may be twins.
 */
export function shapeOf(name: string): string {
  if (!name.startsWith('__') && !name.includes('.')) return name;
  const counted = /^((?:[^.]+\.)?__UNIQUE_ID_.*?|__BTF_ID__.*?__)\d+((?:\.\d+)?)$/.exec(name);
  const plain = counted === null ? name.replace(initcall, '$1#_#_') : `${counted[1]}#${counted[2]}`;
  return plain.replace(/\.\d+(?=\.|$)/g, '.#');
}

/** The name that stands in the source: `count.12` → `count`, `f.isra.0.cold` → `f`. */
export function sourceName(name: string): string {
  return shapeOf(name).replace(/\.(?:isra|constprop|part|cold|#|llvm)(?=\.|$)/g, '');
}

/** Does the compiler number it: is it a static variable of a function, or something made up? */
export function isNumbered(name: string): boolean {
  return shapeOf(name) !== name;
}

/** The function whose unlikely path this is: `f.isra.0.cold` → `f.isra.0`. */
export function coldParentName(name: string): string | undefined {
  return /^(.+)\.cold(?:\.\d+)?$/.exec(name)?.[1];
}

/** Of padding before a function: nops that calls are counted in (objtool), or the type that an indirect call expects (clang). */
export function isPrefixName(name: string): boolean {
  return /^__(?:pfx|cfi)_.+$/.test(name);
}

const alwaysCopied = new Set([
  '__already_done',
  '__warned',
  '__func__',
  '__FUNCTION__',
  '__PRETTY_FUNCTION__',
  '__key',
  '_rs',
  '_entry',
  '_entry_ptr',
  'CSWTCH',
  'descriptor',
  '__UNIQUE_ID_ddebug#',
]);

/**
 * Static variables whose state nobody misses (once-flags, rate limits, lock classes) or that have none (names, switch
 * tables, pr_debug descriptors): new code brings its own copy, and a copy's content decides whether two are equal.
 */
export function isAlwaysCopied(name: string): boolean {
  if (isNumbered(name) && (alwaysCopied.has(sourceName(name)) || name.startsWith('__UNIQUE_ID_ddebug'))) return true;
  // clang: `f.__key`, `f.__warned.12`, `f.__UNIQUE_ID_ddebug417`, `__func__.f`, `switch.table.f`.
  const [, scope, own] = /^([^.]+)\.([^.]+)(?:\.\d+)?$/.exec(name) ?? [];
  if (scope === undefined || own === undefined) return name.startsWith('switch.table.');
  return alwaysCopied.has(own) || own.startsWith('__UNIQUE_ID_ddebug') || functionNames.has(scope);
}

const functionNames = new Set(['__func__', '__FUNCTION__', '__PRETTY_FUNCTION__']);
