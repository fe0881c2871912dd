import { runService } from '#libs/service';
import { SignModule } from './sign.module.js';

await runService(SignModule, 'sign');
