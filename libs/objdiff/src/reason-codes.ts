import type { ReasonCode } from './outcome.js';

/** What a code means, whether it refuses, and what who writes the fix could do about it. */
export interface ReasonMeaning {
  readonly kind: 'refusal' | 'notice';
  readonly meaning: string;
  readonly advice: string;
}

const refusal = (meaning: string, advice: string): ReasonMeaning => ({ kind: 'refusal', meaning, advice });
const notice = (meaning: string, advice: string): ReasonMeaning => ({ kind: 'notice', meaning, advice });

/** Every code of this library. A refusal that says nothing better about its own case has the advice from here. */
export const reasonCodes: Readonly<Record<ReasonCode, ReasonMeaning>> = {
  // the input
  'not-an-object': refusal(
    'The bytes are no ELF64 x86-64 relocatable object.',
    'Give two objects as the compiler and objtool leave them, before any linking.',
  ),
  'other-architecture': refusal(
    'The object is for another machine than x86-64, or of another ELF form.',
    'Compile for x86-64; other architectures’ tables are laid out in other ways.',
  ),
  'bundled-sections': refusal(
    'Several functions share a section, so calls between them leave no relocations.',
    'Compile with -ffunction-sections -fdata-sections.',
  ),
  'ambiguous-reference': refusal(
    'It can’t be told what a reference means.',
    'Compile with -ffunction-sections -fdata-sections; if it still is so, give what is referred to a name of its own.',
  ),
  // correlate and compare
  'static-local-ambiguous': refusal(
    'Which of several static variables of one name the new code means can’t be told, and they hold state.',
    'Keep the variable in the function it was in, or keep its state in a new variable with another name.',
  ),
  'data-changed': refusal(
    'The initial content of a variable changed, which the running kernel has long been using.',
    'Leave the variable as it is, and use the new value in the code that reads it.',
  ),
  'data-size-changed': refusal(
    'A variable’s size changed; what is in memory can’t grow.',
    'Leave the variable as it is, and keep what is new in a new variable or a shadow variable (klp_shadow_alloc).',
  ),
  'section-changed': refusal(
    'A function or variable moved to a section that is treated in another way.',
    'Keep its declaration as it was, and add a new one.',
  ),
  'init-changed': refusal(
    'Code or data changed that is used up at boot or at a module’s load, or runs at its unload.',
    'Leave it as it was, and put right what it set up in the code that uses it, or at run time; else reboot for this fix.',
  ),
  'no-fentry': refusal(
    'A function that can’t be redirected changed, and its callers can’t be patched in its stead.',
    'Make the change in the functions that call it, or in what it calls.',
  ),
  'noinstr-changed': refusal(
    'Code changed that runs where tracing must not.',
    'Patch the functions that call it, if they can be traced.',
  ),
  'registration-changed': refusal(
    'A table changed that the kernel walks once, at boot or at load: initcalls, parameters, device ids, trace events …',
    'Register what is new at run time, if there is an interface for it (new_id in sysfs, for device ids); else reboot for it.',
  ),
  // select
  'special-section': refusal(
    'A table that describes code isn’t in the form that this kernel’s version has.',
    'Build with the objtool and the headers of the very kernel.',
  ),
  'jump-label-key': refusal(
    'A jump label’s key belongs to a module that may come later than the patch, and the branch can’t be made to read it.',
    'Use static_key_enabled() in the new code instead of a jump label.',
  ),
  'unsupported-relocation': refusal(
    'A relocation of a type that no kernel object has.',
    'Compile with the kernel’s own flags (-mcmodel=kernel, no -fpic).',
  ),
  'old-code-in-flight': refusal(
    'A task could sleep unseen in old code and get from there into new code, within one call.',
    'Leave the function that it would get into as it is, and put what changes there into a new function; or make two fixes of it.',
  ),
  // emit
  'symbol-not-found': refusal(
    'The kernel has no symbol of a name that the new code needs.',
    'It may have been inlined everywhere, or be in an object that this kernel doesn’t build: use something that the kernel has.',
  ),
  'symbol-ambiguous': refusal(
    'The kernel has several symbols of that name, and which is meant isn’t decided.',
    'Build with run-pre matching (splicectl build), which tells them apart; or refer to it through another function.',
  ),
  'symbol-conflict': refusal(
    'Two objects of the fix bring or replace a symbol of one name.',
    'Give one of them another name, or make them two fixes.',
  ),
  'module-symbols-unknown': refusal(
    'The symbols of a module that is to be patched aren’t known.',
    'Import the kernel with the package that has the module.',
  ),
  'namespace-export': refusal(
    'An export is in a namespace that a live patch can’t import.',
    'Use a function that is exported without one.',
  ),
  'klp-relocation': refusal(
    'A table of the patch refers to a module that may come later than the patch.',
    'Take what needs the alternative or the table out of the changed function, into one that stays.',
  ),
  'kernel-layout': refusal(
    'The kernel’s BTF doesn’t tell the layout of a structure that the loader reads.',
    'The kernel needs CONFIG_LIVEPATCH and CONFIG_DEBUG_INFO_BTF.',
  ),
  'module-name': refusal('The name or a tag of the module isn’t valid.', 'Use 1 to 55 of a-z, 0-9 and _.'),
  'module-too-large': refusal(
    'The new code and data are larger than a live patch may be.',
    'Allocate large variables at run time instead.',
  ),
  'nothing-to-emit': refusal(
    'No function of the kernel is replaced.',
    'New code needs a changed function that calls it.',
  ),
  // notices
  'export-dropped': notice(
    'A symbol is newly exported; a live patch exports nothing.',
    'Modules that need the export need the new kernel.',
  ),
  'export-removed': notice(
    'A symbol is no longer exported; the running kernel goes on exporting it.',
    'Nothing, unless modules must be kept from using it.',
  ),
  'modinfo-dropped': notice(
    'What the module says of itself changed (version, aliases, parameters’ descriptions).',
    'Nothing: it is read from the module’s file, which stays.',
  ),
  'constant-copied': notice(
    'A constant table changed; the functions that use it get a copy of their own.',
    'Nothing: its elements are only read.',
  ),
  'annotation-dropped': notice('A hint about code changed that only matters to tracers.', 'Nothing.'),
  'callers-included': notice(
    'A function can’t be redirected, so its callers get new bodies.',
    'Where calls under way end in the old code: wait for them, or restart the processes, to be rid of it.',
  ),
  'syscall-converted': notice(
    'The body of a system call can’t be redirected, so its entries get new bodies.',
    'Calls under way end in the old code, whatever the transition says: wait for them, or restart the processes, to be rid of it.',
  ),
  'old-code-runs-on': notice(
    'A function that the fix takes away was entered by a jump; calls under way end in it.',
    'Wait for calls under way, or restart the processes, to be rid of the old code.',
  ),
  'new-code-address': notice(
    'The address of a new function is given away: a timer, a work item or a table may keep it.',
    'Nothing: the module is made so that it can’t be unloaded. It can be taken back, and goes with the next boot.',
  ),
  'constant-handed-on': notice(
    'A copy of a constant table is handed on by the functions that use it, and who has its address may keep it.',
    'Nothing: the module is made so that it can’t be unloaded. It can be taken back, and goes with the next boot.',
  ),
  'thread-function-changed': notice(
    'The function of a kernel thread changed, which is on that thread’s stack for as long as the thread runs.',
    'The transition ends only when the thread does. Change what the function calls instead, if that is enough.',
  ),
  'waits-inside': notice(
    'A function changed in which tasks wait for events, maybe for long.',
    'Expect the transition to wait for them; what wakes them (a signal, an event) lets it go on.',
  ),
  'locking-changed': notice(
    'Old and new code don’t take the same kinds of locks.',
    'See that neither does harm while tasks of both kinds run side by side: until the transition has ended, and in calls that end in old code.',
  ),
  'left-out': notice(
    'A remark in the source says that a change of this function or section is to be left out.',
    'See that the fix is right without it.',
  ),
  'key-read': notice(
    'A branch on a static key (a tracepoint’s, say) of a patched module reads the key each time.',
    'Nothing: it follows the key as ever, at the cost of a comparison.',
  ),
  'module-reload': notice(
    'Kernels before 6.3 don’t load a patched module a second time.',
    'Disable and unload the patch before the module is loaded again.',
  ),
};
