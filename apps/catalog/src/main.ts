import { runService } from '#libs/service';
import { CatalogModule } from './catalog.module.js';

await runService(CatalogModule, 'catalog');
