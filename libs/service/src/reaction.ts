import type { CommitContext, RecordedEvent } from '#libs/eventstore';

/**
 * The context in which a stage answers an event. The command's id follows from the event's, so an answer that is given twice
 * (redelivery after a crash) is recorded once. `step` tells apart several appends in answer to one event.
 */
export function commandContext(event: RecordedEvent, stage: string, step = ''): CommitContext {
  const { id, correlationId } = event.envelope;
  return {
    actor: stage,
    commandId: step === '' ? `${stage}:${id}` : `${stage}:${step}:${id}`,
    causationId: id,
    correlationId,
  };
}

/**
 * Names the transport of one stage, so that in a process with several of them each event handler runs under its own stage's
 * durable worker: `@EventPattern('DropSplit', stage('diff'))`.
 */
export function stage(name: string): symbol {
  return Symbol.for(`splicecast.stage.${name}`);
}
