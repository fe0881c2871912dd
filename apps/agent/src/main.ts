import { CommanderError } from 'commander';
import { Loader } from '#libs/loader';
import { Alarm } from './alarm.js';
import { StateFolder } from './adapters/state-folder.js';
import { logEntry, showError } from './cli/output.js';
import { buildProgram } from './cli/program.js';
import type { Agent } from './agent.js';
import type { AgentContext } from './context.js';
import { AgentError } from './errors.js';

const defaultState = '/var/lib/splicecast';
const defaultPollSec = 4 * 60 * 60;
const defaultTransitionSec = 60;

const now = (): Date => new Date();
const context: AgentContext = {
  state: new StateFolder(process.env['SPLICECAST_STATE'] ?? defaultState, '/', now),
  loader: new Loader(),
  now,
  log: (entry) => process.stderr.write(logEntry(now(), entry)),
  transitionTimeoutMs: seconds('SPLICECAST_TRANSITION_SEC', defaultTransitionSec) * 1000,
};

/** A number of seconds from the environment, within what makes sense. */
function seconds(name: string, fallback: number): number {
  const value = Number(process.env[name] ?? fallback);
  return value >= 1 && value <= 30 * 24 * 60 * 60 ? value : fallback;
}

/** SIGTERM and SIGINT end it after the current step; SIGHUP asks the service now. */
async function daemon(agent: Agent): Promise<void> {
  // Loaded only here: the other verbs should start quickly.
  const { runDaemon } = await import('./daemon.js');
  const alarm = new Alarm();
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  process.on('SIGHUP', () => alarm.ring());
  const pollMs = seconds('SPLICECAST_POLL_SEC', defaultPollSec) * 1000;
  await runDaemon(context, agent, { pollMs, signal: stop.signal, alarm });
}

const setExit = (code: number): void => void (process.exitCode = code);
const out = (text: string): void => void process.stdout.write(text);
try {
  await buildProgram({ context, out, setExit, daemon }).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 64;
  else if (error instanceof AgentError) {
    const json = process.argv.includes('--json');
    process.exitCode = showError({ json, out: json ? out : (text) => void process.stderr.write(text) }, error);
  } else throw error;
}
