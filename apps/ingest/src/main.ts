import { runStages } from '#libs/service';
import { IngestModule } from './ingest.module.js';

await runStages([{ name: 'ingest', module: IngestModule, concurrency: 2 }]);
