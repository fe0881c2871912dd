/** Takes preprocessed C apart into what stands at its outermost level, each with one kind of white space. */
export function declarationsIn(text: string): readonly string[] {
  const found: string[] = [];
  let pragmas = 0;
  let depth = 0;
  let begin = 0;
  let last = 0;
  let body = false;
  const end = (at: number): void => {
    const declaration = tidy(text.slice(begin, at));
    // After another `#pragma pack`, the same words may mean something else.
    if (declaration !== '' && declaration !== ';')
      found.push(pragmas === 0 ? declaration : `#${pragmas} ${declaration}`);
    begin = at;
    body = false;
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char <= 32) continue;
    if (char === 35 && (at === 0 || text.charCodeAt(at - 1) === 10)) {
      const line = text.slice(at, lineEnd(text, at));
      if (/^#pragma (?!GCC diagnostic)/.test(line)) {
        pragmas += 1;
        found.push(line);
      }
      at += line.length;
      continue;
    }
    if (char === 34 || char === 39) at = quoteEnd(text, at, char);
    else if (char === 40 || char === 91) depth += 1;
    else if (char === 41 || char === 93) depth -= 1;
    else if (char === 123) {
      if (depth === 0) body = last === 41;
      depth += 1;
    } else if (char === 125) {
      depth -= 1;
      if (depth === 0 && body) end(at + 1);
    } else if (char === 59 && depth === 0) end(at + 1);
    last = char;
  }
  const rest = tidy(text.slice(begin));
  if (rest !== '') found.push(`#unfinished ${rest}`);
  return found;
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at;
}

function quoteEnd(text: string, from: number, quote: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 92) at += 1;
    else if (char === quote) return at;
  }
  return text.length;
}

function tidy(text: string): string {
  const plain = text.includes('#') ? text.replaceAll(/^#.*$/gm, '') : text;
  // White space within strings is content.
  return plain.replaceAll(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\s+/g, (_, quoted?: string) => quoted ?? ' ').trim();
}

const emitted = /__attribute__ ?\(\( ?(?:__)?(?:used|constructor|destructor|alias)/;
const calls =
  /\b(?:__attribute__|__asm__|asm|__asm|_Alignas|__typeof__|__typeof|typeof)\s*(\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\))/g;
const word = String.raw`[A-Za-z_]\w*`;

/**
 * Names through which a declaration can reach an object's code; `code` if it is code or data itself, or isn't understood.
 * A static inline function, a type, a prototype make nothing unless something names them.
 */
export function reachOf(declaration: string): readonly string[] | 'code' {
  if (declaration.startsWith('#') || emitted.test(declaration)) return 'code';
  if (declaration.startsWith('_Static_assert')) return [];
  const plain = declaration
    .replaceAll(calls, ' ')
    .replaceAll(/\b__extension__\b/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const brace = plain.indexOf('{');
  const head = brace < 0 ? plain.replace(/ ?;$/, '') : plain.slice(0, brace).trim();
  if (brace >= 0 && head.endsWith(')')) return inlineFunction(head);
  if (brace >= 0) return typeDefinition(plain, head, brace);
  if (/^(?:struct|union|enum) [A-Za-z_]\w*$/.test(head)) return [];
  if (head.includes('=')) return 'code';
  return plainDeclaration(head);
}

function inlineFunction(head: string): readonly string[] | 'code' {
  if (!/\b(?:inline|__inline|__inline__|__always_inline)\b/.test(head) || !/\b(?:static|extern)\b/.test(head))
    return 'code';
  return calledIn(head);
}

/** `struct s { … };`, `enum { A, B };`, `typedef struct { … } s_t;` */
function typeDefinition(plain: string, head: string, brace: number): readonly string[] | 'code' {
  const [, typedef, kind, tag] = /^(typedef )?(?:const )?(struct|union|enum)(?: ([A-Za-z_]\w*))?$/.exec(head) ?? [];
  if (kind === undefined) return 'code';
  const close = plain.lastIndexOf('}');
  const inside = plain.slice(brace + 1, close);
  const behind = /^([A-Za-z_]\w*)?$/.exec(
    plain
      .slice(close + 1)
      .replace(/;$/, '')
      .trim(),
  );
  if (!behind || (behind[1] !== undefined && typedef === undefined)) return 'code';
  const names = [tag, behind[1]].filter((name) => name !== undefined);
  for (const [, nested = ''] of inside.matchAll(/\b(?:struct|union|enum) ([A-Za-z_]\w*) ?\{/g)) names.push(nested);
  // Constants of an enumeration, here or within a structure.
  if (kind === 'enum') names.push(...(inside.match(/[A-Za-z_]\w*/g) ?? []));
  else
    for (const [, within = ''] of inside.matchAll(/\benum\b[^{};]*\{([^}]*)\}/g))
      names.push(...(within.match(/[A-Za-z_]\w*/g) ?? []));
  return names.length === 0 ? 'code' : names;
}

/** `extern int x;`, `int f(struct s *);`, `typedef int t;`, `typedef int (*t)(void);` */
function plainDeclaration(head: string): readonly string[] | 'code' {
  const pointer = new RegExp(String.raw`^typedef [\w *]*?\( ?\* ?(${word}) ?\)`).exec(head)?.[1];
  if (pointer !== undefined) return [pointer];
  if (head.includes('(')) return calledIn(head);
  if (!/^(?:extern|typedef)\b/.test(head)) return 'code';
  const variable = new RegExp(String.raw`^(?:extern|typedef) [\w *]*?\b(${word})(?: ?\[[^\]]*\])* ?$`).exec(head)?.[1];
  return variable === undefined ? 'code' : [variable];
}

/** All names before a bracket: one is the function's, others are macros that say something of it. */
function calledIn(head: string): readonly string[] | 'code' {
  const called = [...head.matchAll(/([A-Za-z_]\w*) ?\(/g)].map(([, name = '']) => name);
  return called.length === 0 || /^[^(]*\( ?\*/.test(head) ? 'code' : called;
}
