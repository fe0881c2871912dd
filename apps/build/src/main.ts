import { runService } from '#libs/service';
import { BuildModule } from './build.module.js';

await runService(BuildModule, 'build');
