import { declarationsIn, reachOf } from './declarations.js';

/** One file's text before and after, without comments. */
export interface HeaderTexts {
  readonly before: string;
  readonly after: string;
}

const maxNames = 2000;

/**
 * Names through which a change of headers can reach code, by their text alone and whatever the conditions: those of the
 * declarations and macros that differ, closed over the macros, types and inline functions of other headers that mention them.
 * @param others texts of all other headers that can include the changed ones
 * @returns `unknown` where the change or a mention isn't understood: then it may reach everybody.
 */
export function namesReached(
  changed: readonly HeaderTexts[],
  others: readonly string[],
): ReadonlySet<string> | 'unknown' {
  const names = new Set<string>();
  for (const { before, after } of changed) {
    if (conditionsOf(before) !== conditionsOf(after)) return 'unknown';
    const [olds, news] = [partsOf(before), partsOf(after)];
    const known = { olds: new Set(olds), news: new Set(news) };
    const differing = [...olds.filter((one) => !known.news.has(one)), ...news.filter((one) => !known.olds.has(one))];
    if (!add(differing, names)) return 'unknown';
  }
  const texts = [...others, ...changed.flatMap(({ before, after }) => [before, after])];
  const parts = new Map<string, readonly string[]>();
  for (let fresh = [...names]; fresh.length > 0;) {
    if (names.size > maxNames) return 'unknown';
    const known = names.size;
    const mention = mentionOf(fresh);
    const seen = new Set(names);
    for (const text of texts) {
      if (!mention(text)) continue;
      const found = parts.get(text) ?? partsOf(text);
      parts.set(text, found);
      if (!add(found.filter(mention), names)) return 'unknown';
    }
    fresh = names.size > known ? [...names].filter((name) => !seen.has(name)) : [];
  }
  return names;
}

/** Says of a text whether it has one of the names, or a macro that can paste one together. */
export function mentionOf(names: readonly string[]): (text: string) => boolean {
  if (names.length === 0) return () => false;
  const words = new RegExp(String.raw`\b(?:${names.join('|')})\b`);
  return (text) => words.test(text) || (text.includes('##') && pastes(text, names));
}

/**
 * `#define DEVICE(n) device_##n##_show` can make any name that begins and ends so. A macro that pastes nothing but its arguments
 * together can make every name, and is as good as always given whole words.
 */
function pastes(text: string, names: readonly string[]): boolean {
  for (const line of text.split('\n')) {
    if (!line.includes('##')) continue;
    const given = /^\s*#\s*define\s+\w+\(([^)]*)\)/.exec(line)?.[1]?.split(',') ?? [];
    const free = new Set(['', '__VA_ARGS__', ...given.map((one) => one.replace('...', '').trim())]);
    for (const [chain] of line.matchAll(/\w*(?:[ \t]*##[ \t]*\w*)+/g)) {
      const parts = chain.split('##').map((part) => part.trim());
      if (parts.every((part) => free.has(part))) continue;
      const made = new RegExp(`^${parts.map((part) => (free.has(part) ? String.raw`\w*` : part)).join('')}$`);
      if (names.some((name) => made.test(name))) return true;
    }
  }
  return false;
}

/** Takes comments away and joins continued lines. */
export function plainText(text: string): string {
  return text
    .replaceAll(
      /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\*[^]*?\*\/|\/\/[^\n]*/g,
      (_, quoted?: string) => quoted ?? ' ',
    )
    .replaceAll(/\\\r?\n/g, ' ');
}

/** Do two texts differ in nothing but comments and white space? Then they are the same code, on other lines. */
export function onlyCommentsDiffer(before: Buffer, after: Buffer): boolean {
  return tokensOf(before) === tokensOf(after);
}

function tokensOf(content: Buffer): string {
  const spaced = plainText(content.toString('latin1')).replaceAll(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|[ \t\r\f\v]+/g,
    (_, quoted?: string) => quoted ?? ' ',
  );
  return spaced.replaceAll(/ ?\n[ \n]*/g, '\n').trim();
}

function conditionsOf(text: string): string {
  const lines = text.match(/^[ \t]*#[ \t]*(?!define\b)\w+.*$/gm) ?? [];
  return lines.map((line) => line.replaceAll(/\s+/g, ' ').trim()).join('\n');
}

/** Macros and declarations of a text, whatever its conditions. */
function partsOf(text: string): readonly string[] {
  const macros = (text.match(/^[ \t]*#[ \t]*define\b.*$/gm) ?? []).map((line) => line.replaceAll(/\s+/g, ' ').trim());
  return [...macros, ...declarationsIn(text.replaceAll(/^[ \t]*#.*$/gm, ''))];
}

function add(parts: readonly string[], names: Set<string>): boolean {
  for (const part of parts) {
    const macro = /^# ?define (\w+)/.exec(part)?.[1];
    const reached = macro === undefined ? reachOfText(part) : [macro];
    if (reached === 'code') return false;
    for (const name of reached) names.add(name);
  }
  return true;
}

/** As `reachOf`; a macro's use at the outermost level may declare whatever it names. */
function reachOfText(part: string): readonly string[] | 'code' {
  if (/^\w+ ?\([^{}]*\) ?;?$/.test(part)) return part.match(/[A-Za-z_]\w*/g) ?? [];
  return reachOf(part);
}
