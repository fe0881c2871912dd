import { Controller, Get, Param } from '@nestjs/common';
import { z } from 'zod';
import { gitIdSchema } from '#libs/contracts';
import { Answers, Problem } from '#libs/service';
import { type PublishedRepository, Publishing } from '../publishing.js';
import { AdminApi, KnownId } from './api.js';

const repositorySchema = z.object({
  product: z.string(),
  /** Below the service's own address: `git clone <address><path>`. */
  path: z.string(),
  state: z.enum(['published', 'publishing', 'failed']),
  error: z.string().optional(),
  /** The branch that a clone checks out. */
  head: z.string(),
  branches: z.array(z.object({ name: z.string(), commit: gitIdSchema })),
  /** In the order in which they were published. */
  drops: z.array(
    z.object({ dropId: z.string(), version: z.string(), branch: z.string(), tag: z.string(), commit: gitIdSchema }),
  ),
});
const repositoriesSchema = z.object({ items: z.array(repositorySchema) });

/** The public repositories: a product's drops as one commit a fix, for everybody to clone. */
@AdminApi()
@Controller('v1/redpatch')
export class RedpatchController {
  constructor(private readonly publishing: Publishing) {}

  @Get()
  @Answers(repositoriesSchema, 'Every public repository, by product')
  list(): z.infer<typeof repositoriesSchema> {
    return { items: this.publishing.list().map(viewOf) };
  }

  @Get(':product')
  @Answers(repositorySchema, 'A public repository')
  one(@Param('product', new KnownId('public repository')) product: string): z.infer<typeof repositorySchema> {
    const found = this.publishing.find(product);
    if (found === undefined) throw Problem.notFound('public repository', product);
    return viewOf(found);
  }
}

/** Where a product is cloned from, below the service's own address. */
export function clonePathOf(product: string): string {
  return `/redpatch/${product}.git`;
}

function viewOf({
  product,
  state,
  error,
  head,
  branches,
  drops,
}: PublishedRepository): z.infer<typeof repositorySchema> {
  return {
    product,
    path: clonePathOf(product),
    state,
    ...(error === undefined ? {} : { error }),
    head,
    branches: [...branches].map(([name, commit]) => ({ name, commit })),
    drops: drops.map(({ dropId, version, branch, tag, commit }) => ({ dropId, version, branch, tag, commit })),
  };
}
