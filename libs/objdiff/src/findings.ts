import type { Reason } from '#libs/contracts';
import type { ReasonCode } from './outcome.js';
import { reasonCodes } from './reason-codes.js';

/** A reason whose code is one of this library's. */
export type Finding = Reason & { readonly code: ReasonCode };

const maxFindings = 1000;

/** Collects every reason to refuse and every notice; each only once, and none without advice. */
export class Findings {
  private readonly refused = new Map<string, Reason>();
  private readonly noticed = new Map<string, Reason>();

  constructor(private readonly objectFile: string) {}

  refuse(finding: Finding): void {
    this.add(this.refused, finding);
  }

  notice(finding: Finding): void {
    this.add(this.noticed, finding);
  }

  private add(to: Map<string, Reason>, finding: Finding): void {
    if (to.size >= maxFindings) return;
    const advice = finding.advice ?? reasonCodes[finding.code].advice;
    const reason: Reason = { object: this.objectFile, ...finding, advice };
    to.set(`${finding.code}\0${finding.symbol ?? ''}\0${finding.reason}`, reason);
  }

  get reasons(): readonly Reason[] {
    return [...this.refused.values()];
  }

  get notices(): readonly Reason[] {
    return [...this.noticed.values()];
  }
}
