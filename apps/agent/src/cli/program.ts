import { Command } from 'commander';
import { Agent, type Selection } from '../agent.js';
import type { AgentContext } from '../context.js';
import { examine } from '../doctor.js';
import { AgentError } from '../errors.js';
import { verifyCache } from '../verification.js';
import { explanation } from './explain.js';
import { readLicense, readTrust, registeredLines } from './inputs.js';
import { metadataLine, type Output, section, show, showOutcomes, showStatus } from './output.js';
import { currentStatus } from './public-status.js';

/** What the command line needs from outside. */
export interface Surroundings {
  readonly context: AgentContext;
  readonly out: (text: string) => void;
  readonly setExit: (code: number) => void;
  /** Runs the daemon until it is told to stop. */
  readonly daemon: (agent: Agent) => Promise<void>;
}

interface Flags {
  readonly json?: boolean;
}

/** The agent's verbs. Names, exit codes and `--json` are stable: other programs depend on them. */
export function buildProgram({ context, out, setExit, daemon }: Surroundings): Command {
  const agent = new Agent(context);
  const program = new Command('splicecast')
    .description('Fixes for the running kernel, with no reboot.')
    .showHelpAfterError()
    .exitOverride();
  const output = (flags: Flags): Output => ({ json: flags.json === true, out });
  const verb = (usage: string, description: string): Command =>
    program.command(usage).description(description).option('--json', 'for programs (schema 1)');
  addRegistration(verb, agent, output);
  addLooking(verb, { agent, context, output, setExit });
  addChanging(verb, agent, output, setExit);
  program
    .command('run')
    .description('keep this machine patched (the service)')
    .action(async () => daemon(agent));
  return program;
}

type Verb = (usage: string, description: string) => Command;
type ToOutput = (flags: Flags) => Output;

interface RegisterFlags extends Flags {
  readonly url: string;
  readonly license: string;
  readonly trust: string;
  readonly repin?: boolean;
  readonly singles?: boolean;
}

function addRegistration(verb: Verb, agent: Agent, output: ToOutput): void {
  verb('register', 'make this machine known to a service')
    .requiredOption('--url <url>', 'of the service')
    .requiredOption('--license <file>', 'the licence, - for standard input')
    .requiredOption('--trust <file>', 'the keys that may sign (GET /v1/trust/keys, got by a way that you trust)')
    .option('--repin', 'take another trust file than before')
    .option('--singles', 'each fix by itself, never a cumulative level')
    .action(async (flags: RegisterFlags) => {
      const request = {
        url: checkedUrl(flags.url),
        license: await readLicense(flags.license),
        trust: await readTrust(flags.trust),
        repin: flags.repin === true,
        ...(flags.singles === true ? { prefers: 'singles' as const } : {}),
      };
      const status = await agent.register(request);
      const { machineId, tier, leaseEnds } = status;
      show(output(flags), { machineId, tier, leaseEnds }, registeredLines(status));
    });
}

interface Looking {
  readonly agent: Agent;
  readonly context: AgentContext;
  readonly output: ToOutput;
  readonly setExit: (code: number) => void;
}

function addLooking(verb: Verb, { agent, context, output, setExit }: Looking): void {
  verb('status', 'say how this machine stands (exit 0 current … 6 held)').action(async (flags: Flags) => {
    setExit(showStatus(output(flags), await currentStatus(agent, context)));
  });
  verb('show', 'list the applied bundles, and with --available the others')
    .option('--available', 'also what is not applied')
    .action(async (flags: Flags & { available?: boolean }) => {
      const { applied, pending, held } = await currentStatus(agent, context);
      const more = flags.available === true ? { pending, held } : {};
      const lines = Object.entries({ applied, ...more }).flatMap(([title, bundles]) => section(title, bundles));
      show(output(flags), { applied, ...more }, lines.length === 0 ? ['none'] : lines);
    });
  verb('uname', 'print the effective kernel').action(async (flags: Flags) => {
    const { effectiveKernel, kernel } = await currentStatus(agent, context);
    show(output(flags), { effectiveKernel, release: kernel?.release }, [effectiveKernel ?? 'unknown']);
  });
  verb('explain <bundle>', 'say what is the matter with a bundle').action(async (bundleId: string, flags: Flags) => {
    const { state, verdict } = await agent.explain(bundleId);
    const json = { bundleId, action: verdict?.action, reasons: verdict?.reasons ?? [], state };
    show(output(flags), json, explanation(bundleId, state, verdict));
  });
  verb('verify', 'check all that is kept anew, from the pinned root on: bundles, and what the kernel runs').action(
    async (flags: Flags) => {
      const bundles = await verifyCache(context);
      const { metadata, at } = await agent.status();
      const lines = bundles.map(({ bundleId, applied, ok, reasons }) =>
        [
          ok ? 'ok     ' : 'WRONG  ',
          bundleId,
          ...(applied ? [] : ['(not applied)']),
          ...reasons.map(({ reason }) => reason),
        ].join(' '),
      );
      const text = [
        `metadata ${metadataLine({ metadata, at })}`,
        ...(lines.length === 0 ? ['nothing is kept'] : lines),
      ];
      show(output(flags), { metadata, bundles }, text);
      setExit(bundles.every(({ ok }) => ok) ? 0 : 5);
    },
  );
  verb('doctor', 'look at everything that a patch will need').action(async (flags: Flags) => {
    const findings = await examine(context);
    const lines = findings.flatMap(({ check, ok, detail, advice }) => [
      `${ok ? 'ok  ' : 'BAD '} ${check}: ${detail}`,
      ...(advice === undefined ? [] : [`       → ${advice}`]),
    ]);
    show(output(flags), { findings }, lines);
    setExit(findings.every(({ ok }) => ok) ? 0 : 1);
  });
}

function addChanging(verb: Verb, agent: Agent, output: ToOutput, setExit: (code: number) => void): void {
  verb('upgrade', 'ask for news and apply all that is not held').action(async (flags: Flags) => {
    setExit(showOutcomes(output(flags), await agent.upgrade()));
  });
  verb('apply [bundles...]', 'apply bundles')
    .option('--all', 'all that are not held')
    .action(async (bundles: string[], flags: Flags & { all?: boolean }) => {
      setExit(showOutcomes(output(flags), await agent.apply(selected('apply', bundles, flags.all))));
    });
  verb('remove [bundles...]', 'take bundles back, with no reboot, and hold them')
    .option('--all', 'all that are applied')
    .action(async (bundles: string[], flags: Flags & { all?: boolean }) => {
      setExit(showOutcomes(output(flags), await agent.remove(selected('remove', bundles, flags.all))));
    });
  verb('hold <bundle>', 'never apply a bundle until it is let in again')
    .option('--reason <text>', 'why', 'held by the operator')
    .action(async (bundleId: string, flags: Flags & { reason: string }) => {
      await agent.hold(bundleId, flags.reason.slice(0, 1024));
      show(output(flags), { bundleId, held: true }, [`${bundleId} is held`]);
    });
  verb('unhold <bundle>', 'let a bundle in again').action(async (bundleId: string, flags: Flags) => {
    await agent.unhold(bundleId);
    show(output(flags), { bundleId, held: false }, [`${bundleId} is applied at the next check-in`]);
  });
}

function selected(name: string, bundles: readonly string[], all: boolean | undefined): Selection {
  if (all === true && bundles.length === 0) return 'all';
  if (all !== true && bundles.length > 0) return bundles;
  throw new AgentError('bad-input', `${name} needs bundle ids, or --all`);
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.username !== '') {
    throw new AgentError('bad-input', `${text} is no URL of a service`, 'give it as https://host or https://host/path');
  }
  return url.href.replace(/\/+$/, '');
}
