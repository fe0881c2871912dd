import { z } from 'zod';

/** Why something was refused: a closed code for programs, a sentence for people, and where it stands. */
export const reasonSchema = z.object({
  /** kebab-case, stable. */
  code: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  reason: z.string().max(4096),
  /** The function or variable it is about. */
  symbol: z.string().max(512).optional(),
  /** The object (`fs/fcntl.o`) or file it is about. */
  object: z.string().max(1024).optional(),
  /** What the author or operator could do. */
  advice: z.string().max(2048).optional(),
});
export type Reason = z.infer<typeof reasonSchema>;
