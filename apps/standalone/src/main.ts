import { runStages } from '#libs/service';
import { stages } from './stages.js';

/** The whole service in one process: what `npm start` runs. */
await runStages(stages);
