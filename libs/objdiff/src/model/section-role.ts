import { type ElfSection, SectionFlag, SectionType } from '#libs/elf';

/** What a section is to livepatching. */
export type SectionRole =
  | 'text'
  /** noinstr and entry code: runs where ftrace must not. */
  | 'noinstr'
  /** Snippets of static_cpu_has() and of exception fix-ups, each reached from one place of a function and jumping back to it. */
  | 'aux'
  /** Ran once at boot or load, and is gone since. */
  | 'init'
  | 'data'
  /** Written at boot, read-only since: its content is not in the object. */
  | 'sealed'
  | 'readonly'
  | 'percpu'
  /** NUL-terminated strings that the linker merges. */
  | 'strings'
  /** Fixed-size constants that the linker merges. */
  | 'constants'
  /** A table that describes code, entry by entry: bug table, alternatives, ORC … */
  | 'special'
  /** Flags that WARN_ONCE and its like keep: a copy may be used. */
  | 'once'
  /** pr_debug's descriptors: a module has its own table of them. */
  | 'dyndbg'
  /** Symbols for modules. */
  | 'export'
  /** What the fix's author says about the fix itself (KPATCH_IGNORE_FUNCTION and its like): not part of the kernel. */
  | 'remark'
  /** Hints that new code can do without. */
  | 'annotation'
  /** A table that the kernel walks, of initcalls, parameters, trace events …: entries can't be added to a running one. */
  | 'registry'
  /** Not in memory, or for the build only. */
  | 'ignored';

/** A map: a section may be called `constructor`. */
const exact: ReadonlyMap<string, SectionRole> = new Map(
  Object.entries<SectionRole>({
    __bug_table: 'special',
    '.altinstructions': 'special',
    '.altinstr_replacement': 'special',
    '.altinstr_aux': 'aux',
    '.fixup': 'aux',
    // Where a reference count has overflowed (4.15 to 4.20).
    '.text..refcount': 'aux',
    __ex_table: 'special',
    __jump_table: 'special',
    '.static_call_sites': 'special',
    '.parainstructions': 'special',
    '.smp_locks': 'special',
    '.retpoline_sites': 'special',
    '.return_sites': 'special',
    '.call_sites': 'special',
    '.cfi_sites': 'special',
    '.kcfi_traps': 'special',
    '.orc_unwind': 'special',
    '.orc_unwind_ip': 'special',
    __mcount_loc: 'special',
    '.data.once': 'once',
    '.data..once': 'once',
    // clang puts WARN_ONCE's flags there, in kernels before 4.16.
    '.data.unlikely': 'once',
    __dyndbg: 'dyndbg',
    // Its name before 5.10.
    __verbose: 'dyndbg',
    // May refer to what is gone after boot, and stays itself.
    '.ref.data': 'data',
    '.ref.text': 'text',
    // Thrown away by the kernel's linker script on x86.
    __patchable_function_entries: 'ignored',
    // Functions whose address nobody takes: the kernel makes sure of it. New code can do without.
    '.ibt_endbr_seal': 'annotation',
    '.modinfo': 'ignored',
    '.BTF_ids': 'annotation',
    '.printk_index': 'annotation',
    _error_injection_whitelist: 'annotation',
    _kprobe_blacklist: 'annotation',
    '.static_call.text': 'noinstr',
  }),
);

const prefixes: readonly (readonly [prefix: string, role: SectionRole])[] = [
  ['.kpatch.ignore.', 'remark'],
  ['.discard.', 'ignored'],
  ['.note', 'ignored'],
  ['.debug', 'ignored'],
  ['.eh_frame', 'ignored'],
  ['.gnu.linkonce.this_module', 'ignored'],
  ['__ksymtab', 'export'],
  ['___ksymtab', 'export'],
  ['__kcrctab', 'export'],
  ['___kcrctab', 'export'],
  ['.export_symbol', 'export'],
  ['.init.', 'init'],
  ['.exit.', 'init'],
  ['.meminit.', 'init'],
  ['.memexit.', 'init'],
  ['.cpuinit.', 'init'],
  ['.head.text', 'init'],
  ['.initcall', 'registry'],
  ['.con_initcall', 'registry'],
  ['.noinstr.text', 'noinstr'],
  ['.entry.text', 'noinstr'],
  ['.cpuidle.text', 'noinstr'],
  ['.kprobes.text', 'noinstr'],
  ['.irqentry.text', 'noinstr'],
  ['.softirqentry.text', 'noinstr'],
  ['.data..percpu', 'percpu'],
  ['.data..ro_after_init', 'sealed'],
  ['.rodata', 'readonly'],
  ['.data.rel.ro', 'readonly'],
  ['.data', 'data'],
  ['.bss', 'data'],
];

/** A section's role, by its name and flags. Unknown tables in memory count as registries: changed, they are refused. */
export function roleOf(section: ElfSection): SectionRole {
  if ((section.flags & SectionFlag.ALLOC) === 0 || section.type === SectionType.NOTE) return 'ignored';
  const known = exact.get(section.name);
  if (known !== undefined) return known;
  const merged = (section.flags & SectionFlag.MERGE) !== 0 && !section.name.startsWith('.init');
  if (merged) return (section.flags & SectionFlag.STRINGS) !== 0 ? 'strings' : 'constants';
  if (section.name.startsWith('.text.')) return 'text';
  for (const [prefix, role] of prefixes) if (section.name.startsWith(prefix)) return role;
  return (section.flags & SectionFlag.EXECINSTR) !== 0 ? 'text' : 'registry';
}
