import { runService } from '#libs/service';
import { DiffModule } from './diff.module.js';

await runService(DiffModule, 'diff');
