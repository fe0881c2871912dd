import { KernelImageError } from './errors.js';

/** One entry of the kernel's own symbol table. */
export interface KallsymsEntry {
  readonly address: bigint;
  /** nm's letter: `T` global text, `t` local text, `D` … */
  readonly type: string;
  readonly name: string;
}

const maxSymbols = 2_000_000;
/** Of the table, for each symbol: 4 of offset, 3 of seqs_of_names and some 10 of name. In memory it has ten times as many. */
const minBytesPerSymbol = 16;
/** KSYM_NAME_LEN is 512. */
const maxNameBytes = 1024;
/** A name takes more memory unpacked than packed, a real one 4 times; how much all may take, beside the section's size. */
const maxUnpackedRatio = 4;
/** Debian's kernel has its first text address once in .rodata. Each place costs a walk over up to all of it. */
const maxAnchors = 64;
const align8 = (at: number): number => (at + 7) & ~7;

/**
 * Recovers the symbol table from a kernel's read-only data, where nothing names it (the image is stripped). The layout
 * (scripts/kallsyms.c, write_src, 6.1 with CONFIG_KALLSYMS_BASE_RELATIVE and _ABSOLUTE_PERCPU):
 * offsets i32[n] | relative_base u64 | num_syms u32 | names | markers u32 per 256 | seqs_of_names 3·n | token_table | token_index.
 * `relative_base` is the first text address, so each place where it stands is tried as the anchor, and only a table whose
 * parts all agree with each other (markers, token index) is accepted.
 * @throws KernelImageError `kallsyms-not-found`
 */
export function decodeKallsyms(rodata: Buffer, textAddress: bigint): readonly KallsymsEntry[] {
  const anchor = Buffer.alloc(8);
  anchor.writeBigUInt64LE(textAddress);
  let anchors = 0;
  for (let at = rodata.indexOf(anchor); at >= 0; at = rodata.indexOf(anchor, align8(at + 1))) {
    if (at % 8 !== 0 || at + 16 > rodata.length) continue;
    if ((anchors += 1) > maxAnchors) break;
    const symbols = decodeAt(rodata, at);
    if (symbols) return symbols;
  }
  throw new KernelImageError('kallsyms-not-found', 'no symbol table was found in the image');
}

function decodeAt(rodata: Buffer, baseAt: number): readonly KallsymsEntry[] | undefined {
  const count = rodata.readUInt32LE(baseAt + 8);
  if (count === 0 || count > Math.min(maxSymbols, rodata.length / minBytesPerSymbol)) return undefined;
  const offsetsAt = baseAt - align8(count * 4);
  if (offsetsAt < 0) return undefined;
  const names = walkNames(rodata, align8(baseAt + 12), count);
  if (!names) return undefined;
  const markersEnd = checkMarkers(rodata, align8(names.end), names.starts);
  if (markersEnd === undefined) return undefined;
  // 6.1.? has seqs_of_names (3 bytes a symbol) between markers and tokens; kernels before it don't.
  const tokens = readTokens(rodata, align8(align8(markersEnd) + count * 3)) ?? readTokens(rodata, align8(markersEnd));
  if (!tokens) return undefined;
  const base = rodata.readBigInt64LE(baseAt);
  const symbols: KallsymsEntry[] = [];
  let room = maxUnpackedRatio * rodata.length;
  for (const [i, start] of names.starts.entries()) {
    const text = expand(rodata, start, tokens);
    room -= text.length;
    if (text.length > maxNameBytes || room < 0) return undefined;
    const offset = rodata.readInt32LE(offsetsAt + i * 4);
    // Per-cpu symbols are absolute (offset ≥ 0), all others stand relative to the base (kernel/kallsyms.c, kallsyms_sym_address).
    const address = offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset);
    symbols.push({ address: BigInt.asUintN(64, address), type: text.slice(0, 1), name: text.slice(1) });
  }
  return symbols;
}

/** Steps over the packed names: a length (one byte, or two with the top bit set), then that many token numbers. */
function walkNames(rodata: Buffer, from: number, count: number): { starts: number[]; end: number } | undefined {
  const starts: number[] = [];
  let at = from;
  for (let i = 0; i < count; i += 1) {
    starts.push(at);
    const length = lengthAt(rodata, at);
    if (!length || length.tokens === 0) return undefined;
    at += length.prefix + length.tokens;
    if (at > rodata.length) return undefined;
  }
  return { starts, end: at };
}

function lengthAt(rodata: Buffer, at: number): { prefix: number; tokens: number } | undefined {
  const first = rodata[at];
  const second = rodata[at + 1];
  if (first === undefined || second === undefined) return undefined;
  return first < 0x80 ? { prefix: 1, tokens: first } : { prefix: 2, tokens: (first & 0x7f) | (second << 7) };
}

/** Markers give every 256th name's offset: they prove that the names were walked rightly. Returns where they end. */
function checkMarkers(rodata: Buffer, at: number, starts: readonly number[]): number | undefined {
  const first = starts[0] ?? 0;
  const count = Math.ceil(starts.length / 256);
  if (at + count * 4 > rodata.length) return undefined;
  for (let i = 0; i < count; i += 1) {
    if (rodata.readUInt32LE(at + i * 4) !== (starts[i * 256] ?? 0) - first) return undefined;
  }
  return at + count * 4;
}

/** The 256 tokens that names are packed with, proven by the index that follows them. */
function readTokens(rodata: Buffer, from: number): readonly string[] | undefined {
  const tokens: string[] = [];
  const offsets: number[] = [];
  let at = from;
  for (let i = 0; i < 256; i += 1) {
    const end = rodata.indexOf(0, at);
    if (end < 0 || end - at > 512) return undefined;
    tokens.push(rodata.toString('latin1', at, end));
    offsets.push(at - from);
    at = end + 1;
  }
  const indexAt = align8(at);
  if (indexAt + 512 > rodata.length) return undefined;
  return offsets.every((offset, i) => rodata.readUInt16LE(indexAt + i * 2) === offset) ? tokens : undefined;
}

function expand(rodata: Buffer, start: number, tokens: readonly string[]): string {
  const length = lengthAt(rodata, start);
  if (!length) return '';
  let text = '';
  for (let i = 0; i < length.tokens && text.length <= maxNameBytes; i += 1) {
    text += tokens[rodata[start + length.prefix + i] ?? 0] ?? '';
  }
  return text;
}

/** Writes a symbol table as System.map does: `address type name`, a line each. */
export function formatKallsyms(symbols: readonly KallsymsEntry[]): string {
  return symbols
    .map(({ address, type, name }) => `${address.toString(16).padStart(16, '0')} ${type} ${name}\n`)
    .join('');
}

/** Reads what `formatKallsyms` wrote. @throws KernelImageError `bad-profile` */
export function parseKallsyms(text: string): readonly KallsymsEntry[] {
  const symbols: KallsymsEntry[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (!/^[0-9a-f]{16} . ./.test(line) || line.length > 19 + maxNameBytes) {
      throw new KernelImageError('bad-profile', `kallsyms line of another form: ${line.slice(0, 80)}`);
    }
    symbols.push({ address: BigInt(`0x${line.slice(0, 16)}`), type: line.slice(17, 18), name: line.slice(19) });
  }
  return symbols;
}
