import {
  type Digest,
  type EventData,
  type Fact,
  fact,
  type GitId,
  type LevelConflict,
  type Reason,
} from '#libs/contracts';

/** What a level's own module is called. A machine runs one kernel, so the number tells its levels apart. */
export function levelModuleName(level: number): string {
  return `splicecast_level_${level}`;
}

/** Says whether a level has been built or refused. */
export function isLevelSettled(facts: readonly Fact[], level: number): boolean {
  return facts.some(({ type, data }) => (type === 'LevelBuilt' || type === 'LevelRefused') && data.level === level);
}

/** Where a series of commits begins and ends. */
export type LevelSeries = Pick<EventData<'DropSplit'>, 'head' | 'onto'>;

/** A fix that is to be in a level, from its own stream, and the series that it is a commit of, if it is of one. */
export interface ToldFix {
  readonly fixId: string;
  readonly facts: readonly Fact[];
  /** Only of a series that begins with the tree that the fix was proposed for. */
  readonly series?: LevelSeries;
}

/** A fix as it goes into a level. */
export interface ChosenFix {
  readonly proposed: EventData<'FixProposed'>;
  readonly built: EventData<'HotPatchBuilt'>;
  /** Objects that were compiled for it. */
  readonly objects: readonly string[];
  /** Its own commit and those it brought; absent where it is taken as a patch. */
  readonly commits?: readonly GitId[];
}

export interface Selected {
  readonly baseTree: GitId;
  /** What the commits are of; absent if all are patches. */
  readonly series?: LevelSeries;
  readonly fixes: readonly ChosenFix[];
}

export interface Selection {
  /** Absent if nothing is left. */
  readonly selected?: Selected;
  /** Fixes that can't be in it, whatever the others are. */
  readonly conflicts: readonly LevelConflict[];
}

/** Takes the fixes that can be built together: live patches of one kernel by themselves, from one source, of one series. */
export function selectFixes(kernelId: string, told: readonly ToldFix[]): Selection {
  const fixes: ChosenFix[] = [];
  const conflicts: LevelConflict[] = [];
  let series: LevelSeries | undefined;
  for (const one of told) {
    const conflict = (code: string, reason: string): void => {
      conflicts.push({ fixId: one.fixId, reasons: [{ code, reason }] });
    };
    const chosen = chosenFrom(one);
    const baseTree = fixes[0]?.proposed.baseTree;
    if (chosen === undefined || chosen.built.kernelId !== kernelId) {
      conflict('level-fix-not-built', `fix ${one.fixId} is no live patch for this kernel`);
    } else if (baseTree !== undefined && chosen.proposed.baseTree !== baseTree) {
      conflict('level-of-two-sources', `fix ${one.fixId} is for another source tree than the fixes before it`);
    } else if (one.series !== undefined && series !== undefined && one.series.head !== series.head) {
      conflict('level-of-two-series', `fix ${one.fixId} is a commit of another series than the fixes before it`);
    } else {
      series ??= one.series;
      fixes.push(chosen);
    }
  }
  const [first] = fixes;
  if (first === undefined) return { conflicts };
  const of = series === undefined ? {} : { series };
  return { selected: { baseTree: first.proposed.baseTree, ...of, fixes }, conflicts };
}

function chosenFrom({ facts, series }: ToldFix): ChosenFix | undefined {
  let proposed: EventData<'FixProposed'> | undefined;
  let built: EventData<'HotPatchBuilt'> | undefined;
  let objects: readonly string[] = [];
  for (const { type, data } of facts) {
    if (type === 'FixProposed') proposed = data;
    else if (type === 'ObjectsBuilt') objects = data.objects.map(({ path }) => path);
    else if (type === 'HotPatchBuilt') built = data;
    else if (type === 'HotPatchRefused') built = undefined;
  }
  if (proposed === undefined || built === undefined) return undefined;
  const { source } = proposed;
  if (series === undefined || source.kind !== 'commit') return { proposed, built, objects };
  const brought = (built.brings ?? []).map(({ commit }) => commit);
  return { proposed, built, objects, commits: [...brought, source.commit] };
}

/** A level that became a module. */
export interface LevelMade {
  readonly fixIds: readonly string[];
  readonly module: { readonly name: string; readonly digest: Digest; readonly sizeBytes: number };
  /** The blob with its functions and warnings. */
  readonly content: Digest;
  readonly functions: number;
  readonly warnings: number;
  readonly runPre: { readonly matched: number; readonly checked: number };
  readonly leftOut: readonly LevelConflict[];
}

export function decideLevelBuilt(
  { kernelId, level }: EventData<'LevelProposed'>,
  made: LevelMade,
  durationMs: number,
): Fact[] {
  const { fixIds, leftOut, ...rest } = made;
  return [fact('LevelBuilt', { kernelId, level, fixIds: [...fixIds], ...rest, leftOut: clipped(leftOut), durationMs })];
}

export function decideLevelRefused(
  { kernelId, level }: EventData<'LevelProposed'>,
  stage: EventData<'LevelRefused'>['stage'],
  reasons: readonly Reason[],
  conflicts: readonly LevelConflict[],
  durationMs: number,
): Fact[] {
  return [
    fact('LevelRefused', {
      kernelId,
      level,
      stage,
      reasons: clippedReasons(reasons, 100),
      conflicts: clipped(conflicts),
      durationMs,
    }),
  ];
}

/** An event has to stay below the log's limit of a megabyte: the fixes' own streams and a build by hand say the rest. */
function clipped(conflicts: readonly LevelConflict[]): LevelConflict[] {
  return conflicts.slice(0, 500).map(({ fixId, reasons }) => ({ fixId, reasons: clippedReasons(reasons, 2) }));
}

function clippedReasons(reasons: readonly Reason[], most: number): Reason[] {
  return reasons.slice(0, most).map((one) => ({
    ...one,
    reason: one.reason.slice(0, 400),
    ...(one.advice === undefined ? {} : { advice: one.advice.slice(0, 200) }),
  }));
}
