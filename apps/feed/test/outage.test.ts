import { fact } from '#libs/contracts';
import { HintError, type HintErrorCode } from '#libs/hints';
import { FeedUnderTest } from './feed.fixture.js';

let under: FeedUnderTest;
beforeEach(async () => {
  under = new FeedUnderTest();
  await under.start();
});
afterEach(() => under.stop());

it.each([
  ['unavailable', 'RetryLater'],
  ['bad-hint', 'HintError'],
] as const)(
  'a hint that is %s counts against its event only if that is at fault: %s',
  async (code: HintErrorCode, name) => {
    await under.bundle('b1', 'canary');
    under.hints.publish = async () => {
      throw new HintError(code, 'no');
    };
    const event = await under.record('bundle.b1', fact('BundlePromoted', { bundleId: 'b1', tier: 'stable' }));
    await expect(under.feed.promoted(event)).rejects.toMatchObject({ name });
  },
);
