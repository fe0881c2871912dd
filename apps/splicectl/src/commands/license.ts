import type { Command } from 'commander';
import { z } from 'zod';
import { connect } from '../connection.js';
import { printJson, printLines, printTable, recordSchema } from '../output.js';
import { numberOf } from './number.js';
import { resourceCommand, show } from './resource.js';

interface IssueOptions {
  readonly customer: string;
  readonly plan: string;
  readonly distro: string;
  readonly major?: readonly string[];
  readonly tier?: string;
  readonly seats?: string;
  readonly expires?: string;
  readonly json?: boolean;
}

interface AmendOptions {
  readonly tier?: string;
  readonly seats?: string;
  readonly reason: string;
  readonly json?: boolean;
}

interface ExplainOptions {
  readonly machine?: string;
  readonly distro?: string;
  readonly tier?: string;
  readonly at?: string;
  readonly json?: boolean;
}

const explanationSchema = z.object({
  entitled: z.boolean(),
  at: z.string(),
  rules: z.array(
    z.object({
      rule: z.string(),
      verdict: z.enum(['passes', 'refuses', 'not-asked']),
      reason: z.string().optional(),
      change: z.string().optional(),
      because: z.array(
        z.object({ type: z.string(), at: z.string(), position: z.number(), reason: z.string().optional() }),
      ),
    }),
  ),
});

/** `splicectl license list|show|issue|renew|extend|amend|transfer|revoke|token|explain` */
export function licenseCommand(): Command {
  const command = resourceCommand('license', 'licenses', ['licenseId', 'customerId', 'kind', 'state', 'expiresAt']);
  issueVerb(command);
  changeVerbs(command);
  explainVerb(command);
  return command;
}

function issueVerb(command: Command): void {
  command
    .command('issue')
    .description('issue a licence: a trial of 30 days, a subscription, or one without end on the own distribution')
    .requiredOption('--customer <customer>')
    .requiredOption('--plan <plan>', 'trial, subscription or perpetual')
    .requiredOption('--distro <distro>', 'the distribution it covers, e.g. debian')
    .option('--major <major...>', 'its releases, e.g. 12; all of them by default')
    .option('--tier <tier>', 'canary, early or stable')
    .option('--seats <n>', 'machines that may use it')
    .option('--expires <time>', 'end of a subscription, ISO 8601')
    .option('--json', 'for programs')
    .action(async (options: IssueOptions, self: Command) => {
      const { customer: customerId, plan, distro, major: majors, tier, expires: expiresAt } = options;
      const request = { customerId, plan, distro, majors, tier, seats: numberOf(options.seats), expiresAt };
      show(await connect(self).post('/v1/licenses', request, recordSchema), options.json);
    });
}

async function change(self: Command, license: string, what: string, body: object, json?: boolean): Promise<void> {
  show(await connect(self).post(`${pathOf(license)}/${what}`, body, recordSchema), json);
}

function changeVerbs(command: Command): void {
  command
    .command('renew <license>')
    .description('another period of a subscription, after the one that runs; machines follow by themselves')
    .option('--expires <time>', 'its new end, ISO 8601; a year by default')
    .option('--seats <n>', 'machines that may use it from now on')
    .option('--json', 'for programs')
    .action(async (license: string, options: { expires?: string; seats?: string; json?: boolean }, self: Command) =>
      change(self, license, 'renewal', { expiresAt: options.expires, seats: numberOf(options.seats) }, options.json),
    );
  command
    .command('extend <license>')
    .description('more days, for a reason')
    .requiredOption('--days <n>')
    .requiredOption('--reason <text>')
    .option('--json', 'for programs')
    .action(async (license: string, options: { days: string; reason: string; json?: boolean }, self: Command) =>
      change(self, license, 'extension', { days: numberOf(options.days), reason: options.reason }, options.json),
    );
  command
    .command('amend <license>')
    .description('another tier, or other seats, with the same end; machines follow by themselves')
    .option('--tier <tier>', 'canary, early or stable')
    .option('--seats <n>', 'machines that may use it; fewer than do take nobody’s seat away')
    .requiredOption('--reason <text>')
    .option('--json', 'for programs')
    .action(async (license: string, options: AmendOptions, self: Command) => {
      const { tier, seats, reason, json } = options;
      await change(self, license, 'amendment', { tier, seats: numberOf(seats), reason }, json);
    });
  command
    .command('transfer <license>')
    .description('hand it to another customer, who then asks for its token')
    .requiredOption('--to <customer>')
    .requiredOption('--reason <text>')
    .option('--json', 'for programs')
    .action(async (license: string, options: { to: string; reason: string; json?: boolean }, self: Command) =>
      change(self, license, 'transfer', { customerId: options.to, reason: options.reason }, options.json),
    );
  command
    .command('token <license>')
    .description('its token again, for a holder who lost it')
    .option('--json', 'for programs')
    .action(async (license: string, options: { json?: boolean }, self: Command) =>
      change(self, license, 'token', {}, options.json),
    );
  command
    .command('revoke <license>')
    .description('end it now; what machines have applied stays')
    .requiredOption('--reason <text>')
    .option('--json', 'for programs')
    .action(async (license: string, options: { reason: string; json?: boolean }, self: Command) => {
      show(await connect(self).delete(pathOf(license), { reason: options.reason }, recordSchema), options.json);
    });
}

function explainVerb(command: Command): void {
  command
    .command('explain <license>')
    .description('why a machine may, or may not, have something new, by each rule; exit 1 if it may not')
    .option('--machine <machine>')
    .option('--distro <distro>', 'instead of what the machine says of itself')
    .option('--tier <tier>', 'for what has reached this tier')
    .option('--at <time>', 'as of then, ISO 8601')
    .option('--json', 'for programs')
    .action(async (license: string, { json, ...asked }: ExplainOptions, self: Command) => {
      const query = new URLSearchParams(Object.entries(asked).filter((entry): entry is [string, string] => !!entry[1]));
      const answer = await connect(self).get(`${pathOf(license)}/explain?${query.toString()}`, explanationSchema);
      if (!answer.entitled) process.exitCode = 1;
      if (json) {
        printJson(answer);
        return;
      }
      printLines(`${answer.entitled ? 'entitled' : 'NOT entitled'} at ${answer.at}`);
      // What stands against it is what is looked for.
      const refusing = answer.rules.filter(({ verdict }) => verdict === 'refuses');
      const others = answer.rules.filter(({ verdict }) => verdict !== 'refuses');
      const rows = [...refusing, ...others].map(({ rule, verdict, because, reason, change }) => ({
        // A rule's name is that of its refusal: alone it would read as if it were the case.
        'refuses as': rule,
        verdict,
        why: whyOf(reason, because),
        'what would change it': change,
      }));
      printTable(['refuses as', 'verdict', 'why', 'what would change it'], rows);
    });
}

/** The rule's own words, and the events that it rests on with what was said then. */
function whyOf(
  reason: string | undefined,
  because: z.infer<typeof explanationSchema>['rules'][number]['because'],
): string {
  const events = because.map(({ type, position, reason: given }) =>
    given === undefined ? `${type} at ${position}` : `${type} at ${position}, “${given}”`,
  );
  if (reason === undefined) return events.join(', ');
  return events.length === 0 ? reason : `${reason} (${events.join(', ')})`;
}

function pathOf(license: string): string {
  return `/v1/licenses/${encodeURIComponent(license)}`;
}
