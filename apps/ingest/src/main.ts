import { runService } from '#libs/service';
import { IngestModule } from './ingest.module.js';

// One drop at a time: the next one then writes only what the first didn't, which is quicker than both side by side.
await runService(IngestModule, 'ingest');
