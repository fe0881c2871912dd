// The rules of the house, each named as the invariant it keeps. `test/fixtures/boundary` breaks one on purpose:
// `npm run check` fails if dependency-cruiser stops seeing it.
const lib = '^(?:test/fixtures/boundary/)?libs/';
const app = '^(?:test/fixtures/boundary/)?apps/';
module.exports = {
  forbidden: [
    {
      name: 'dependencies-have-no-cycles',
      comment: 'Two files that need each other are one idea: merge them, or name the third they both need.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'dependencies-point-inward',
      comment: 'A lib knows no app. Move what both need into a lib.',
      severity: 'error',
      from: { path: lib },
      to: { path: app },
    },
    {
      name: 'apps-talk-by-events-only',
      comment: 'A stage never imports another stage: append an event, or read a blob. Only standalone composes them.',
      severity: 'error',
      from: { path: app + '([^/]+)/', pathNot: app + 'standalone/' },
      to: { path: app + '([^/]+)/', pathNot: app + '$1/' },
    },
    {
      name: 'a-lib-has-one-door',
      comment: 'Import a lib through #libs/<name> (src/index.ts); export there what others may use.',
      severity: 'error',
      from: { path: '^(?:test/fixtures/boundary/)?(?:apps|libs|tools|bench)/([^/]+)/' },
      to: { path: lib + '([^/]+)/', pathNot: [lib + '$1/', lib + '[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'only-the-event-store-knows-nats',
      comment:
        'Speak to the ports of #libs/eventstore, hints or transport instead: the log, hints, requests (broker says who may connect).',
      severity: 'error',
      from: { path: '^(?:apps|libs|tools)/', pathNot: '^libs/(?:broker|eventstore|hints|transport)/' },
      to: { path: 'node_modules/(?:nats|@nats-io)/' },
    },
    {
      name: 'only-the-agent-loads',
      comment: 'insmod and /sys/kernel/livepatch belong to libs/loader, and only the agent may use it.',
      severity: 'error',
      from: { path: '^(?:apps|libs|tools)/', pathNot: '^(?:apps/agent|libs/loader)/' },
      to: { path: '^libs/loader/' },
    },
    {
      name: 'only-sign-holds-keys',
      comment: 'Private keys live in apps/sign. Ask it over the token-signing request instead.',
      severity: 'error',
      from: { pathNot: '^apps/(?:sign|standalone)/' },
      to: { path: '^apps/sign/' },
    },
    {
      name: 'only-sign-and-ceremonies-open-keys',
      comment:
        'Key files are opened by sign, for the service, and by `splicectl tuf`, for the holders of offline keys.',
      severity: 'error',
      from: { path: '^(?:apps|libs|tools)/', pathNot: '^(?:apps/sign|apps/splicectl|libs/keyfile|libs/pkcs11)/' },
      to: { path: '^libs/(?:keyfile|pkcs11)/' },
    },
    {
      name: 'a-domain-is-pure',
      comment: 'Deciders have no I/O, clock, framework or database: pass data in, return events; act in the adapter.',
      severity: 'error',
      from: { path: '^(?:test/fixtures/boundary/)?apps/[^/]+/(?:src/)?domain/', pathNot: '\\.test\\.ts$' },
      to: {
        path: [
          '^(?:node:)?(?:fs|child_process|net|http|https|os|timers)',
          'node_modules/(?:@nestjs|typeorm|nats|fastify)',
        ],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '(?:^|/)dist/' },
  },
};
