import { z } from 'zod';
import { gitIdSchema, seriesCommitSchema } from '#libs/contracts';

/** Version of the report's shape. An optional member more needs no new one; another meaning does. */
export const reportVersion = 2;

const count = z.int().nonnegative();
/** A commit by its place in `commits`, from 0. */
const ordinal = z.int().nonnegative();
const confidence = z.number().min(0).max(1);
/** Relative; its bytes as latin1, as everywhere in a series. */
const path = z.string().max(4096);
const detail = z.string().max(1024);

/** What speaks for a commit. */
export const evidenceKinds = [
  /** The lines of an upstream commit are in the step. */
  'upstream-lines',
  /** The changelog names that upstream commit by its subject. */
  'changelog-subject',
  /** Names or words of the changelog's entry stand in the changed lines or right around them. */
  'names',
  /** The entry's prefix fits this file and few others. */
  'path',
  /** Other hunks of the entry are linked with it: same function, same new name, right beside. */
  'linked',
] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

/** How a commit differs from the upstream commit that it is. */
export const upstreamDifferenceSchema = z.object({
  /** Hunks of the upstream commit: all, and those of which nothing is here. */
  hunks: count,
  absentHunks: count,
  /** Changed lines of the upstream commit that aren't here, and such of this one that upstream doesn't have. */
  missingLines: count,
  otherLines: count,
  /** Files of the upstream commit that aren't touched here. */
  leftOut: z.array(path),
  /** Files with lines that upstream doesn't have. */
  reworked: z.array(path),
  /** Files that have another name here. */
  moved: z.array(z.object({ upstream: path, path })),
});
export type UpstreamDifference = z.infer<typeof upstreamDifferenceSchema>;

const commitSchema = z.object({
  ...seriesCommitSchema.shape,
  evidence: z.array(z.enum(evidenceKinds)),
  /** Absent where it is as upstream has it, and where no upstream commit is known. */
  difference: upstreamDifferenceSchema.optional(),
});

/** Why an entry of the changelog has no commit. */
export const unfoundReasons = [
  /** The step undoes it, or something wrote over it: the newer source has nothing of it. */
  'overwritten',
  /** The older source has it. */
  'already-in-a',
  /** Nothing that changed fits it. */
  'not-found',
  /** What would fit it fits others as well. */
  'ambiguous',
] as const;
export type UnfoundReason = (typeof unfoundReasons)[number];

const unfoundEntrySchema = z.object({
  entry: z.string().max(1024),
  version: z.string().max(128),
  cves: z.array(z.string().max(32)),
  why: z.enum(unfoundReasons),
  detail,
});
export type UnfoundEntry = z.infer<typeof unfoundEntrySchema>;

/** Why an upstream commit that was given isn't in the series. */
export const unusedReasons = [
  'already-in-a',
  /** It was tried; the newer source has nothing, or too little, of it. */
  'overwritten',
  /** Another commit of the series is the same change. */
  'twin',
  /** Too little of it is in the step. */
  'not-in-step',
] as const;
export type UnusedReason = (typeof unusedReasons)[number];

const unusedCandidateSchema = z.object({
  id: gitIdSchema.optional(),
  subject: z.string().max(1024),
  why: z.enum(unusedReasons),
  /** The share of its changed lines that the step has. */
  share: z.number().min(0).max(1),
});
export type UnusedCandidate = z.infer<typeof unusedCandidateSchema>;

const candidatesSchema = z.object({
  /** Those that touch a file that differs, or that the changelog names. */
  looked: count,
  used: count,
  unused: z.object(Object.fromEntries(unusedReasons.map((why) => [why, count])) as Record<UnusedReason, typeof count>),
  /** Of the unused ones those that something spoke for: the changelog, or a fifth of their lines. */
  named: z.array(unusedCandidateSchema),
});

const remainderSchema = z.object({
  commit: ordinal,
  label: z.string().max(256),
  files: count,
  hunks: count,
  insertions: count,
  deletions: count,
});

/**
 * A hunk of the net difference as `diff -U0` gives it: where it begins in the older and in the newer source and how many lines it has
 * there (lines from 1; of none, the line before), and whose it is, each with the confidence that it is.
 */
const hunkSchema = z.tuple([count, count, count, count, z.array(z.tuple([ordinal, confidence])).min(1)]);
export type MappedHunk = z.infer<typeof hunkSchema>;

const fileSchema = z.object({
  path,
  change: z.enum(['modified', 'added', 'deleted']),
  /** Ascending. All of them together make the newer file of the older one. */
  hunks: z.array(hunkSchema),
  /** Commits that make, delete or re-mode it, or change what is no text. */
  whole: z.array(ordinal).optional(),
  /** Commits that change it and of whose lines nothing is left. */
  overwritten: z.array(ordinal).optional(),
  /** Why whose lines are whose can't be told; `whole` has all its commits then. */
  untold: detail.optional(),
});
export type MappedFile = z.infer<typeof fileSchema>;

const dependencySchema = z.object({
  commit: ordinal,
  needs: z.array(z.object({ commit: ordinal, paths: z.array(path).min(1) })).min(1),
});

const sourceSchema = z.object({
  version: z.string().max(128),
  tree: gitIdSchema,
  /** Of the archive it came in. */
  file: z.string().max(1024).optional(),
  format: z.string().max(32).optional(),
  files: count.optional(),
  bytes: count.optional(),
});
export type ReportedSource = z.infer<typeof sourceSchema>;

/**
 * What a split found: REPO.report.json, and the blob that `DropSplit.report` names. The same input gives the same bytes: no times,
 * no paths of a machine.
 */
export const splitReportSchema = z.object({
  schema: z.literal(reportVersion),
  from: sourceSchema,
  to: sourceSchema,
  /** The last commit of the series. */
  head: gitIdSchema,
  proof: z.object({ baseTree: gitIdSchema, targetTree: gitIdSchema, replayedTree: gitIdSchema }),
  counts: z.object({
    commits: count,
    attributed: count,
    remainders: count,
    files: count,
    hunks: count,
    attributedHunks: count,
    insertions: count,
    deletions: count,
    subjects: count,
    subjectsFound: count,
  }),
  /** What was given and not used, or not looked at in full, and why. */
  notices: z.array(z.string()),
  commits: z.array(commitSchema).max(100_000),
  /** Entries of the changelog that have no commit, in the changelog's order. */
  unfound: z.array(unfoundEntrySchema),
  /** Absent where none were given. */
  candidates: candidatesSchema.optional(),
  remainders: z.array(remainderSchema),
  /** Which commits a commit's lines rest on directly: those whose lines it removes, or that changed something right beside. */
  dependencies: z.array(dependencySchema),
  /** Which commit each change of each file is of, sorted by path. */
  files: z.array(fileSchema),
});
export type SplitReport = z.infer<typeof splitReportSchema>;
