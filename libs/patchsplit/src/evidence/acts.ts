import type { Hunk } from '../hunks/delta.js';

/** What a change does to code, by the form of its lines, and the stems of the words by which subjects tell of it. */
interface Act {
  readonly name: string;
  readonly words: readonly string[];
  /** Looked for in added lines. */
  readonly added?: RegExp;
  /** Looked for in added and in removed lines. */
  readonly any?: RegExp;
}

const acts: readonly Act[] = [
  {
    name: 'check',
    words: [
      'null',
      'deref',
      'dereferenc',
      'crash',
      'panic',
      'oop',
      'check',
      'validat',
      'valid',
      'invalid',
      'reject',
      'missing',
      'ensur',
      'verify',
      'bail',
      'skip',
    ],
    added: /\bif\s*\(|\bWARN_ON|\?\s/,
  },
  {
    name: 'release',
    words: ['leak', 'leaks', 'leaked', 'free', 'releas', 'uaf', 'double', 'cleanup', 'teardown'],
    any: /\b\w*(?:free|put|release|unregister|destroy|unref|cleanup|cancel|flush|del|delete|remove|close)\w*\s*\(/,
  },
  {
    name: 'lock',
    words: [
      'race',
      'rac',
      'deadlock',
      'lock',
      'unlock',
      'mutex',
      'spinlock',
      'concurrent',
      'atomic',
      'rcu',
      'serializ',
      'locking',
      'sleep',
      'barrier',
      'order',
    ],
    any: /lock|mutex|rcu|atomic|READ_ONCE|WRITE_ONCE|barrier|smp_|_bit\(|GFP_|completion|synchronize/,
  },
  {
    name: 'bound',
    words: [
      'overflow',
      'underflow',
      'bound',
      'oob',
      'out',
      'length',
      'siz',
      'size',
      'range',
      'index',
      'limit',
      'buffer',
      'wrap',
      'truncat',
      'maximum',
      'max',
      'min',
      'array',
    ],
    any: /[<>]=?\s|\bmin|\bmax|sizeof|ARRAY_SIZE|len|size|count|_add\(|_sub\(/i,
  },
  {
    name: 'initialise',
    words: ['uninit', 'uninitializ', 'initializ', 'initialis', 'init', 'zero', 'clear', 'reset', 'stale', 'default'],
    added: /memset|=\s*\{\s*\}|=\s*\{\s*0|=\s*(?:NULL|0|false|true)\b|init|zalloc|clear|reset/i,
  },
  {
    name: 'error',
    words: ['error', 'fail', 'failur', 'return', 'handl', 'unwind', 'path', 'propagat', 'errno', 'status'],
    any: /\bret\b|\berr(?:or)?\b|\brc\b|\breturn\b|\bgoto\b|-E[A-Z]{3}|IS_ERR/,
  },
  {
    name: 'reference',
    words: ['refcount', 'ref', 'reference', 'referenc', 'lifetim', 'hold', 'pin', 'uaf', 'put'],
    any: /ref|kref|_get\w*\(|_put\w*\(|hold|dget|dput|get_device|put_device/,
  },
  {
    name: 'type',
    words: [
      'type',
      'sign',
      'signed',
      'unsigned',
      'shift',
      'cast',
      'endian',
      'big',
      'width',
      'bit',
      '32bit',
      '64bit',
      'integer',
      'truncat',
      'annotat',
    ],
    any: /\b[su]?(?:8|16|32|64)\b|\b[us](?:8|16|32|64)\b|_t\b|\blong\b|\bint\b|\bunsigned\b|cpu_to|_to_cpu|be\d\d|le\d\d|BIT|<</,
  },
  {
    name: 'log',
    words: [
      'log',
      'messag',
      'print',
      'warn',
      'warning',
      'messages',
      'debug',
      'trac',
      'report',
      'string',
      'format',
      'nois',
      'silenc',
      'verbos',
    ],
    any: /print|pr_\w+\(|dev_\w+\(|WARN|log|LOG|"/,
  },
  {
    name: 'table',
    words: ['quirk', 'id', 'ids', 'device', 'support', 'model', 'compatibl', 'entry', 'mapping', 'pinctrl', 'board'],
    added: /^\s*\{.*\}\s*,?\s*$|_DEVICE\(|compatible|QUIRK|quirk|_ID\b|0x[0-9a-fA-F]{4}/m,
  },
  {
    name: 'comment',
    words: [
      'typo',
      'comment',
      'doc',
      'document',
      'documentation',
      'kernel_doc',
      'spell',
      'kdoc',
      'description',
      'guid',
      'wording',
      'note',
    ],
  },
  { name: 'include', words: ['header', 'includ', 'headers'], any: /^\s*#\s*include/m },
  {
    name: 'config',
    words: ['depend', 'kconfig', 'select', 'config', 'build', 'compil', 'link', 'linker'],
    any: /CONFIG_|depends on|select |IS_ENABLED|obj-|__maybe_unused|#\s*if|dependency/,
  },
  {
    name: 'remove',
    words: [
      'remov',
      'drop',
      'delet',
      'unus',
      'unnecessary',
      'redundant',
      'dead',
      'obsolet',
      'useless',
      'revert',
      'stop',
    ],
  },
  { name: 'constant', words: ['const', 'constify', 'static', 'inlin', 'global'], added: /\bconst\b|\bstatic\b|inline/ },
  {
    name: 'number',
    words: [
      'incorrect',
      'wrong',
      'correct',
      'valu',
      'value',
      'mask',
      'offset',
      'register',
      'regist',
      'timeout',
      'delay',
      'speed',
      'rate',
      'frequency',
      'increas',
      'reduc',
    ],
    any: /\b(?:0x[0-9a-fA-F]+|\d{2,})\b|MASK|OFFSET|BIT|GENMASK/,
  },
  {
    name: 'wait',
    words: [
      'wait',
      'timer',
      'timeout',
      'work',
      'queue',
      'workqueue',
      'cancel',
      'flush',
      'wake',
      'hang',
      'stuck',
      'loop',
      'infinit',
      'stall',
      'poll',
      'suspend',
      'resum',
      'runtim',
    ],
    any: /wait|timer|work|queue|cancel|flush|wake|while|for \(|timeout|delay|poll|suspend|resume|pm_/i,
  },
  {
    name: 'rename',
    words: [
      'renam',
      'name',
      'conver',
      'convert',
      'replac',
      'switch',
      'us',
      'refactor',
      'rework',
      'mov',
      'split',
      'factor',
      'helper',
      'introduc',
      'common',
      'new',
    ],
  },
];

/** The acts that a hunk's form tells of. */
export function actsOf({ added, removed }: Hunk): Set<string> {
  const fresh = added.join('').slice(0, 20_000);
  const text = fresh + removed.join('').slice(0, 20_000);
  const found = new Set<string>();
  for (const { name, added: inAdded, any } of acts) if (inAdded?.test(fresh) || any?.test(text)) found.add(name);
  const full = text.split('\n').filter((line) => line.trim() !== '');
  if (full.length > 0 && full.every((line) => /^\s*(?:\/?\*|\/\/|#\s)/.test(line))) found.add('comment');
  if (removed.length > 2 * added.length) found.add('remove');
  if (added.length > 0 && added.length === removed.length) found.add('rename');
  return found;
}

const actsByWord = new Map<string, string[]>();
for (const { name, words } of acts) {
  for (const word of words) actsByWord.set(word, [...(actsByWord.get(word) ?? []), name]);
}

/** The acts that a subject's words tell of. */
export function actsTold(words: Iterable<string>): Set<string> {
  return new Set([...words].flatMap((word) => actsByWord.get(word) ?? []));
}
