/** The subjects of Heddle's wire that the scheduler uses. */

/** One `OrchestratorGoal` per dispatch of type `goal`. */
export const GOALS_SUBJECT = "heddle.goals.incoming";

/** One `TaskMessage` per dispatch of type `task`. */
export const TASKS_SUBJECT = "heddle.tasks.incoming";

/** A broadcast: `{"action": "reload"}` makes every actor re-read its configuration. */
export const RELOAD_SUBJECT = "heddle.control.reload";

/** Where the scheduler called `name` answers health checks. */
export function schedulerSubject(name: string): string {
  return `heddle.scheduler.${name}`;
}
