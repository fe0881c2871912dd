const root = new URL('../../../', import.meta.url);

/** Where a thread's program is, of which it is known what it is asked and what it answers (`serveJobs`). */
export class ThreadProgram<Setting, Job, Answer> {
  /** Never there: so that programs of other jobs are of other types. */
  declare readonly does: (setting: Setting) => (job: Job) => Answer;

  private constructor(readonly url: URL) {}

  /**
   * The built program beside a module. A module that runs from its source, as in tests, has it in `dist`: a thread has no loader for
   * TypeScript.
   */
  static beside<Setting, Job, Answer>(moduleUrl: string, name: string): ThreadProgram<Setting, Job, Answer> {
    const url = new URL(name, moduleUrl);
    return new ThreadProgram(
      moduleUrl.endsWith('.ts') ? new URL(`dist/${url.href.slice(root.href.length)}`, root) : url,
    );
  }

  /** A built program anywhere. */
  static at<Setting, Job, Answer>(url: URL): ThreadProgram<Setting, Job, Answer> {
    return new ThreadProgram(url);
  }
}
