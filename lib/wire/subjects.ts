/** The subjects of Heddle's wire that the scheduler uses. */

/** Takes one `OrchestratorGoal` per dispatch of type `goal`. */
export const GOALS_SUBJECT = "heddle.goals.incoming";

/** Takes one `TaskMessage` per dispatch of type `task`. */
export const TASKS_SUBJECT = "heddle.tasks.incoming";

/** A broadcast: `{"action": "reload"}` makes every actor read its configuration again. */
export const RELOAD_SUBJECT = "heddle.control.reload";

/** Returns the subject on which the scheduler called `name` answers requests. */
export function schedulerSubject(name: string): string {
  return `heddle.scheduler.${name}`;
}
