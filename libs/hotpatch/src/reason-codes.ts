import type { Reason } from '#libs/contracts';
import type { KbuildErrorCode, Unbuilt } from '#libs/kbuild';
import { type ReasonMeaning, reasonCodes as objdiffCodes } from '#libs/objdiff';
import type { Mismatch } from '#libs/runpre';

const refusal = (meaning: string, advice: string): ReasonMeaning => ({ kind: 'refusal', meaning, advice });
const notice = (meaning: string, advice: string): ReasonMeaning => ({ kind: 'notice', meaning, advice });

/** Of the compiling. `compiler-not-found` and `bad-path` end a build as errors, but name a cause all the same. */
const kbuildCodes: Readonly<Record<KbuildErrorCode, ReasonMeaning>> = {
  'makefile-failed': refusal(
    'The kernel’s own Makefiles don’t say how an object is built.',
    'See that the source tree is complete and is that of this kernel.',
  ),
  'generated-source': refusal(
    'An object includes a file that the vendor’s build writes (SELinux’s flask.h, for one).',
    'Put the change into code that does without that file, or reboot for this fix.',
  ),
  'compile-failed': refusal(
    'The compiler refuses the source, before or after the fix.',
    'Give the earlier commits that the fix depends on with it, its headers first of all.',
  ),
  'objtool-failed': refusal(
    'objtool refuses the object.',
    'What it complains about is in the reason; the kernel’s build would not take it either.',
  ),
  'timed-out': refusal('A compilation took too long.', 'Try again on a machine with less to do.'),
  'compiler-not-found': refusal(
    'The compiler that built this kernel isn’t installed.',
    'Install the compiler that the reason names.',
  ),
  'bad-path': refusal('A path leads out of the source tree.', 'Give paths below the top of the tree.'),
  'too-much': refusal('The fix needs more files or bytes than are read for one.', 'Make several fixes of it.'),
};

const sourceNeeded = 'Build from the very source package that this kernel was built from.';

/** Of the objects that a file becomes; one that isn't configured is no reason to refuse. */
const ruleCodes: Readonly<Record<Exclude<Unbuilt, 'not-configured'>, ReasonMeaning>> = {
  'in-several-modules': refusal(
    'The object is linked into several modules.',
    'Make the change in the code of each module that calls it.',
  ),
};

/** Of run-pre matching. */
const matchCodes: Readonly<Record<`run-pre-${Mismatch['code']}`, ReasonMeaning>> = {
  'run-pre-not-in-kernel': refusal('The running kernel has no such function or module.', sourceNeeded),
  'run-pre-code-differs': refusal('The compiled original isn’t, byte for byte, the code that runs.', sourceNeeded),
  'run-pre-reference-differs': refusal(
    'The compiled original refers to something else than the code that runs.',
    sourceNeeded,
  ),
  'run-pre-overridden': refusal(
    'The function is a weak one, and the kernel uses another object’s in its place.',
    'Patch the function that took its place.',
  ),
  'run-pre-data-differs': refusal('A constant that the new code uses isn’t the one that runs.', sourceNeeded),
  'run-pre-ambiguous': refusal(
    'Several equal functions have that name, and which is the file’s can’t be told.',
    'Patch a function that calls it and has a name of its own.',
  ),
};

/** What is found out about a fix as a whole. */
const ownCodes = {
  // apply
  'kernel-rejected': refusal(
    'The kernel that the fix is for could not be imported.',
    'See why the kernel was rejected, and import it anew from complete packages.',
  ),
  'more-reasons': notice('There are more reasons than are kept.', 'Deal with those that are shown first.'),
  'malformed-patch': refusal(
    'The patch is no unified diff, or too large.',
    'Give the output of git format-patch or diff -u.',
  ),
  'needs-earlier-commits': refusal(
    'The patch doesn’t apply to the source that the kernel was built from.',
    'Build it together with the earlier commits that its lines depend on.',
  ),
  'unknown-commit': refusal(
    'The series has no such commit.',
    'Give the id of a commit of the series, its root excepted.',
  ),
  'incomplete-fix': refusal(
    'A change that nobody explains is in the same function: the commit may be half of the fix.',
    'Look at the remainder that the reason names, and build both together as a patch if they belong together.',
  ),
  'level-of-two-series': refusal(
    'The fixes of a level are commits of different series.',
    'Make levels of one series, and propose what comes from another as patches.',
  ),
  'level-of-two-sources': refusal(
    'The fixes of a level were proposed for different source trees.',
    'Propose them anew for the source that the kernel was built from.',
  ),
  'level-fix-not-built': refusal(
    'A fix of a level is no live patch by itself, or one for another kernel.',
    'Wait until it is built; leave it out if it was refused.',
  ),
  'level-lacks-function': refusal(
    'Together with the others a fix changes a function no more that it changes by itself.',
    'Look whether a later fix takes the earlier one back, and leave one of them out.',
  ),
  'context-merged': notice(
    'Another commit changed lines beside those of the fix, and stays out.',
    'See that the fix means the same without it.',
  ),
  'nothing-to-patch': refusal('The fix touches no code of this kernel.', 'Nothing: this kernel doesn’t need it.'),
  'no-change': refusal('The fix changes no code of the kernel.', 'Nothing: this kernel doesn’t need it.'),
  'build-description-changed': refusal(
    'The fix changes how objects are built.',
    'Leave the Makefile out if the code is right without it; else reboot for this fix.',
  ),
  'assembly-changed': refusal(
    'The fix changes assembly, which has no functions that can be redirected.',
    'Put the change into the C code that calls it, or reboot for this fix.',
  ),
  'generated-header': refusal('The header is written by the build, not by a source.', 'Change what it is made from.'),
  'header-reaches-unknown-objects': refusal(
    'Which objects include a header isn’t known.',
    'Put the change into the .c files that matter.',
  ),
  'object-added': refusal(
    'The fix adds an object to the build.',
    'Put the new code into one of the files that use it.',
  ),
  'object-removed': refusal(
    'The fix takes an object out of the build.',
    'Leave it in place: the running kernel has it.',
  ),
  'too-many-objects': refusal(
    'The fix reaches more objects than are built for one fix.',
    'Put the change into the .c files that matter, instead of a header.',
  ),
  'not-built': notice('This kernel doesn’t build the file.', 'Nothing.'),
  'no-code': notice('The file is no code of the kernel, or nothing but its comments change.', 'Nothing.'),
  'other-architecture': notice('The file is for another architecture.', 'Nothing.'),
  // types
  'no-types': refusal('The compiler gave no types to compare.', 'Use a compiler that knows -gbtf, as gcc 12 does.'),
  'types-unknown': notice(
    'The objects have no types, so changed layouts would not show.',
    'Compile with -gbtf instead of other -g flags, as splicectl build does.',
  ),
  'layout-changed': refusal(
    'The layout of a structure changes of which objects may be alive.',
    'Keep the new data beside the structure instead (a shadow variable), or reboot for this fix.',
  ),
  'layout-renamed': notice(
    'A member has another name, or a type of the same form.',
    'See that the rest of the kernel, which goes on using it as before, still means the same by it.',
  ),
  'enum-changed': refusal(
    'The value of a constant moves, by which the running kernel’s data and code go.',
    'Give the new constant a value that is free, so that the others keep theirs.',
  ),
  'enum-grown': notice(
    'A constant that counts others is larger.',
    'See that nothing which the kernel sized by it is indexed by the new ones.',
  ),
  'prototype-changed': refusal(
    'A function is called in another way now, and code that isn’t part of the fix calls it.',
    'Leave the function as it is, and add another one that is called in the new way.',
  ),
  'types-not-of-kernel': refusal(
    'The unchanged source lays a structure out otherwise than the running kernel does.',
    sourceNeeded,
  ),
} satisfies Readonly<Record<string, ReasonMeaning>>;

/** Every code that a build can end or be annotated with. docs/refusals.md is made from it. */
export const reasonCodes: Readonly<Record<string, ReasonMeaning>> = {
  ...ownCodes,
  ...kbuildCodes,
  ...ruleCodes,
  ...matchCodes,
  ...objdiffCodes,
};

/** A reason with what could be done about it; its own advice comes first. */
export function withAdvice(reason: Reason): Reason {
  const advice = reason.advice ?? reasonCodes[reason.code]?.advice;
  return advice === undefined ? reason : { ...reason, advice };
}
