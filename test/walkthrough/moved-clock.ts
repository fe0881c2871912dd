const RealDate = Date;
let offsetMs = 0;

/** The process's `Date`, as far from the machine's clock as it was moved. Timers go on as they are. */
class MovedDate extends RealDate {
  constructor(...args: readonly [] | ConstructorParameters<DateConstructor>) {
    if (args.length === 0) super(RealDate.now() + offsetMs);
    else super(...args);
  }

  static override now(): number {
    return RealDate.now() + offsetMs;
  }
}

/** Lets it be `time` (ISO 8601) for all of this process from here on: the service, its log and the agent in it. */
export function moveClock(time: string): void {
  offsetMs = RealDate.parse(time) - RealDate.now();
  globalThis.Date = MovedDate as DateConstructor;
}
