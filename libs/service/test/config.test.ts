import { isAbsolute } from 'node:path';
import { ConfigError, ServiceConfig } from '#libs/service';

describe('ServiceConfig', () => {
  it('has defaults for everything', () => {
    const config = ServiceConfig.from({});
    expect(config).toMatchObject({ host: '127.0.0.1', port: 8420, ownDistro: 'splicecast', natsPort: 0 });
    expect(isAbsolute(config.dataDir)).toBe(true);
    expect(config.nats).toBeUndefined();
  });

  it('names every variable that is wrong', () => {
    const environment = { SPLICECAST_PORT: 'eighty', SPLICECAST_OWN_DISTRO: 'No Such' };
    const bad = (): ServiceConfig => ServiceConfig.from(environment);
    expect(bad).toThrow(ConfigError);
    expect(bad).toThrow(/SPLICECAST_PORT[\s\S]*SPLICECAST_OWN_DISTRO/);
  });

  it('refuses an admin token that can be guessed', () => {
    expect(() => ServiceConfig.from({ SPLICECAST_ADMIN_TOKEN: 'secret' })).toThrow(/SPLICECAST_ADMIN_TOKEN/);
  });

  it('takes a NATS server from the environment', () => {
    const { nats } = ServiceConfig.from({ NATS_URL: 'nats://broker:4222', NATS_USER: 's', NATS_PASSWORD: 'p' });
    expect(nats).toMatchObject({ url: 'nats://broker:4222', user: 's', password: 'p', agentUser: 'agent' });
  });
});
