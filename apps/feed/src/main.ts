import { runService } from '#libs/service';
import { FeedModule } from './feed.module.js';

await runService(FeedModule, 'feed');
