import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FixtureWorld } from './fixture/world.fixture.js';
import { prepare } from './preparation.js';

let world: FixtureWorld;
beforeEach(async () => {
  world = await FixtureWorld.begin();
  await world.machine.boot();
});
afterEach(() => world.end());

describe('an agent that has prepared', () => {
  it('doesn’t read the kernel’s symbols again for what it lets in', async () => {
    const { machine } = world;
    await prepare(machine.context);
    await rm(join(machine.root, 'proc/kallsyms'));
    await world.publish('two', 'g');
    expect(await world.upgrade()).toEqual([]);
    expect(await machine.modules()).toEqual(['one', 'two']);
  });

  it('goes on where they can’t be read yet, and says so', async () => {
    const { machine } = world;
    await rm(join(machine.root, 'proc/kallsyms'));
    await prepare(machine.context);
    expect(machine.log.join()).toContain('proc/kallsyms');
    await world.publish('two', 'g');
    expect(await world.upgrade()).toContain('unreadable');
    expect(await machine.modules()).toEqual([]);
  });
});
