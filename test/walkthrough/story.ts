import { z } from 'zod';
import { ServiceClient } from '#libs/client';
import { buildFix, type MadeFix } from './made-fix.js';
import { Scene } from './scene.js';

const first: MadeFix = {
  name: 'pipe-head',
  subject: 'pipe: keep the head within the ring',
  cve: 'CVE-2026-10001',
  symbol: 'pipe_resize_ring',
  path: 'fs/pipe.c',
};
const second: MadeFix = {
  name: 'sock-peer',
  subject: 'af_unix: hold the peer while it is read',
  cve: 'CVE-2026-10002',
  symbol: 'unix_peer_get',
  path: 'net/unix/af_unix.c',
};
const third: MadeFix = {
  name: 'timer-base',
  subject: 'timers: do not use a base that has gone',
  cve: 'CVE-2026-10003',
  symbol: 'lock_timer_base',
  path: 'kernel/time/timer.c',
};

const begin = '2026-03-02T09:00:00Z';
const afterTrial = '2026-04-02T09:00:00Z';
const withSubscription = '2026-04-02T11:00:00Z';
const afterRevocation = '2026-06-01T09:00:00Z';

/** Plays the life of a licence in an empty folder. @returns the page about it */
export async function tell(folder: string): Promise<string> {
  const scene = await Scene.set(
    folder,
    begin,
    [first, second, third].map(({ symbol }) => symbol),
  );
  introduce(scene);
  const customer = await trial(scene);
  await use(scene);
  await expiry(scene);
  await subscription(scene, customer);
  await revocation(scene);
  await afterwards(scene);
  return scene.end();
}

function introduce(scene: Scene): void {
  scene.prose(`# The life of a licence

<!-- Written by \`npm run transcript\` (test/walkthrough): change the story there, not here. -->

A customer tries Splicecast, the trial ends, a subscription follows and is revoked. What stands here is what \`splicectl\`, the agent and the service
printed when \`npm run transcript\` last ran them: the whole service (all stages, its NATS server, SQLite, HTTP on loopback), \`bin/splicectl\` typed into
a shell, and the agent's own program. A test runs it again and compares (\`test/walkthrough/walkthrough.long.ts\`).

What isn't as it would be elsewhere:

- **The clock was moved.** Months pass here in seconds: the service is stopped, the clock of its process, in which the agent runs too, is set, and
  the service is started again. Everything that reads the time, events' times too, goes by that clock; only the NATS server doesn't, so nothing here listens for hints: the machine asks.
- **The kernel is made of files**: a /proc and a /sys as a kernel shows them, and an insmod and rmmod that change them. All of the agent above them is
  what a machine runs. That real kernels take real patches is \`npm run demo\`'s to show, and \`test/loading\`'s.
- **The fixes are made up**: what the build stage would write of them is written to the log by the script. \`sign\` looks at them, makes bundles, signs and publishes.
- Ids have names in \`<…>\` here, times are rounded down to the hour, positions in the log, digests and durations are left out.`);
}

async function trial(scene: Scene): Promise<string> {
  scene.prose(
    '## A trial\n\n2 March. The operator knows a new customer, and gives it thirty days on Debian for ten machines.',
  );
  const customer = await known(scene, 'splicectl customer add "Example Ltd" --organisation example.com', 'customer');
  const license = await known(
    scene,
    `splicectl license issue --customer ${customer} --plan trial --distro debian`,
    'license',
    '<trial>',
  );
  scene.prose('There is one trial for an organisation on a distribution. Asked once more, the service says so:');
  await scene.operator(`splicectl license issue --customer ${customer} --plan trial --distro debian`);
  scene.prose('What the customer needs: the licence, and the keys that its machines will trust.');
  await tokenFile(scene, license, 'trial.jwt');
  await scene.operator('curl -s $SPLICECAST_URL/v1/trust/keys > trust.json');
  return customer;
}

async function use(scene: Scene): Promise<void> {
  scene.prose('## Use\n\nOn the machine, as root:');
  const { url } = scene.service;
  await scene.splicecast(`register --url ${url} --license trial.jwt --trust trust.json`);
  await scene.splicecast('upgrade');
  scene.prose('A fix was built and signed. Nobody gets it before the operator lets a tier have it.');
  const bundle = await built(scene, first, '<first-bundle>');
  await scene.operator('splicectl bundle list');
  await scene.operator(`splicectl bundle promote ${bundle} --tier stable`);
  await scene.splicecast('upgrade');
  await scene.splicecast('status');
  await scene.operator('splicectl machine list');
  scene.prose('The operator asks whether the machine may have what comes next, and why:');
  await explain(scene, 'trial');
}

async function expiry(scene: Scene): Promise<void> {
  await scene.continueAt(afterTrial);
  scene.prose(`## Expiry

**The clock is moved to 2 April**: the trial ended the day before. Another fix comes, for everybody who is entitled to it.`);
  const bundle = await built(scene, second, '<second-bundle>');
  await scene.operator(`splicectl bundle promote ${bundle} --tier stable`);
  await scene.splicecast('upgrade');
  scene.prose('The machine gets nothing new, and says why. What it has, it keeps:');
  await scene.splicecast('status');
  scene.prose('The operator sees the rule, the events that it rests on, and what would change it:');
  await explain(scene, 'trial');
}

async function subscription(scene: Scene, customer: string): Promise<void> {
  await scene.continueAt(withSubscription);
  scene.prose(
    '## A subscription\n\n**The clock is moved by two hours**: the customer has bought one, for fifty machines.',
  );
  const license = await known(
    scene,
    `splicectl license issue --customer ${customer} --plan subscription --distro debian --seats 50`,
    'license',
    '<subscription>',
  );
  await tokenFile(scene, license, 'subscription.jwt');
  await scene.splicecast(`register --url ${scene.service.url} --license subscription.jwt --trust trust.json`);
  await scene.splicecast('upgrade');
  await scene.splicecast('status');
  await explain(scene, 'subscription');
}

async function revocation(scene: Scene): Promise<void> {
  await scene.continueAt(afterRevocation);
  scene.prose(
    '## Revocation\n\n**The clock is moved to 1 June**: the invoice was never paid. A third fix comes after that.',
  );
  await scene.operator(`splicectl license revoke ${idOf(scene, 'subscription')} --reason "the invoice was never paid"`);
  const bundle = await built(scene, third, '<third-bundle>');
  await scene.operator(`splicectl bundle promote ${bundle} --tier stable`);
  await scene.splicecast('upgrade');
  await scene.splicecast('status');
  await explain(scene, 'subscription');
  scene.prose(`A licence that ends weakens no machine: both fixes stay. And what must be taken out still is, licence or no licence: the first fix
turns out to be bad, and is recalled. The machine's next check-in says again that nothing new comes, and takes it back:`);
  const recalled = idOf(scene, 'first-bundle');
  await scene.operator(`splicectl bundle recall ${recalled} --reason "splice(2) may return too early"`);
  await scene.splicecast('upgrade');
  await scene.splicecast('status');
  await scene.splicecast(`explain ${recalled}`);
}

async function afterwards(scene: Scene): Promise<void> {
  scene.prose('## What is known of all this\n\nThe history of the machine, with that of its licences and its bundles:');
  await scene.operator(`splicectl machine timeline ${await scene.machineId()}`);
  scene.prose(
    'What the first licence allowed on 15 March is still answered, as of then (who had which seat is known of today only):',
  );
  const at = '--at 2026-03-15T00:00:00Z';
  await scene.operator(`splicectl license explain ${idOf(scene, 'trial')} --machine ${await scene.machineId()} ${at}`);
  scene.prose('And who did what:');
  await scene.operator('splicectl call list');
}

/** Types what makes something new, whose id is from then on shown as its name. @returns the id */
async function known(scene: Scene, command: string, what: string, name = `<${what}>`): Promise<string> {
  return scene.operator(command, (text) => {
    const id = new RegExp(`^${what}Id +(\\S+)$`, 'm').exec(text)?.[1];
    if (id === undefined) throw new Error(`${command} names no ${what}:\n${text}`);
    scene.stable.know(id, name);
    return id;
  });
}

async function tokenFile(scene: Scene, license: string, file: string): Promise<void> {
  await scene.operator(`splicectl license token ${license} | sed -n 's/^token *//p' > ${file}`);
}

/** Has a fix built, and waits until its bundle is signed. @returns the bundle's id */
async function built(scene: Scene, fix: MadeFix, name: string): Promise<string> {
  const { platform, url, adminToken } = scene.service;
  await buildFix(platform, fix);
  await scene.service.atRest();
  const { items } = await new ServiceClient(url, adminToken).get('/v1/bundles', bundlesSchema);
  const bundle = items.find(({ fixId, state }) => fixId === fix.name && state === 'signed');
  if (bundle === undefined) throw new Error(`${fix.name} is no signed bundle: ${JSON.stringify(items)}`);
  scene.stable.know(bundle.bundleId, name);
  return bundle.bundleId;
}

const bundlesSchema = z.object({
  items: z.array(z.object({ bundleId: z.string(), fixId: z.string().nullish(), state: z.string() })),
});

async function explain(scene: Scene, license: string): Promise<void> {
  await scene.operator(`splicectl license explain ${idOf(scene, license)} --machine ${await scene.machineId()}`);
}

function idOf(scene: Scene, name: string): string {
  return scene.stable.valueOf(`<${name}>`);
}
