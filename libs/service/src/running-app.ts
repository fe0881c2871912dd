import type { INestApplication } from '@nestjs/common';

/** The application as a whole, for what describes all of it (OpenAPI). Known once every module is made. */
export class RunningApp {
  private app: INestApplication | undefined;

  set(app: INestApplication): void {
    this.app = app;
  }

  get(): INestApplication {
    if (this.app === undefined) throw new Error('the application is not made yet');
    return this.app;
  }
}
