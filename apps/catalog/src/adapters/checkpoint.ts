import { EntitySchema } from 'typeorm';

/** How far a projection has come. */
export interface Checkpoint {
  readonly name: string;
  readonly position: number;
}

export const checkpointEntity = new EntitySchema<Checkpoint>({
  name: 'checkpoints',
  columns: {
    name: { type: 'varchar', primary: true },
    position: { type: 'integer' },
  },
});
