/**
 * What is done about a job when something happens: the whole policy of misfires, overlap, waiting,
 * superseding, pauses, leases and shutdown (contract, section 5). Pure, and of finite values only:
 * a test looks at every event in every situation.
 *
 * @module
 */
import type { OwnerState } from "../durable/owner.ts";
import type { FiringState } from "./firing.ts";
import type { SkipReason } from "./history.ts";

export type JobEvent =
  /** An occurrence is due. */
  | "due"
  /** An occurrence is due that was late and has been delayed by its jitter since. */
  | "spread_due"
  /** A firing is over, or the first that waited was skipped: the next one may start. */
  | "turn"
  /** The connection is back, or a lease that had lapsed is ours again. */
  | "opened"
  /** The entry was paused or resumed. */
  | "pause_changed"
  /** A reload removed or disabled the entry. */
  | "removed"
  /** Another replica took the lease. */
  | "lost"
  /** The lease is to be handed over. */
  | "releasing"
  /** The scheduler is to end. */
  | "stopping"
  /** What runs has had its time to finish, at the end or when the lease is handed over. */
  | "timed_out";

export interface Situation {
  readonly owner: OwnerState;
  readonly connected: boolean;
  readonly paused: boolean;
  /** Whether every occurrence fires: `catch_up: all`, where the last firing is remembered. */
  readonly each: boolean;
  readonly running: "none" | Exclude<FiringState, "over">;
  /** Whether the lease's term in which the running firing began is over. */
  readonly inOldTerm: boolean;
  readonly waiting: "none" | "one" | "some" | "full";
  /** Whether what the event is about, the due or the first waiting occurrence, is past its grace. */
  readonly late: boolean;
}

/** The occurrences that an effect is about; `older` are all that wait but the newest. */
export type Target = "due" | "first" | "older" | "waiting" | "running";

export type Effect =
  | { readonly do: "start"; readonly what: "due" | "first" }
  /** What is due joins those that wait. */
  | { readonly do: "wait" }
  | { readonly do: "skip"; readonly what: Target; readonly as: SkipReason }
  /** What waits is given up in silence: another holder, or the next start, fires it. */
  | { readonly do: "forget" }
  /** The running firing is taken back; `hold` puts its occurrence before all others that wait. */
  | { readonly do: "withdraw" }
  | { readonly do: "hold" }
  /** The running firing is taken back, and its occurrence starts in the new term. */
  | { readonly do: "restart" }
  /** `opened` follows when the connection is back. */
  | { readonly do: "watch" }
  /** `turn` follows at once. */
  | { readonly do: "turn" };

const NOTHING: readonly Effect[] = [];
const WAIT: Effect = { do: "wait" };
const WATCH: Effect = { do: "watch" };
const TURN: Effect = { do: "turn" };
const START_DUE: Effect = { do: "start", what: "due" };
const START_FIRST: Effect = { do: "start", what: "first" };
const FORGET: Effect = { do: "forget" };
const WITHDRAW: Effect = { do: "withdraw" };
const SUPERSEDE_RUNNING: Effect = skip("running", "superseded");
const SUPERSEDE_WAITING: Effect = skip("waiting", "superseded");
const DROP_FIRST: Effect = skip("first", "catch_up_limit");
const MISFIRE: Effect = skip("due", "misfire");
const START = [START_DUE];

/** Returns what is to be done, in order. */
export function decide(event: JobEvent, situation: Situation): readonly Effect[] {
  const { waiting, running, each } = situation;
  switch (event) {
    case "due":
    case "spread_due":
      return due(situation, event === "spread_due");
    case "turn":
    case "pause_changed":
      return turn(situation);
    case "opened":
      return running !== "none" && situation.inOldTerm ? newTerm(situation) : turn(situation);
    case "removed":
      return waiting === "none" ? NOTHING : [skip("waiting", "removed")];
    case "lost":
      return [...forget(situation), ...running === "none" ? NOTHING : [WITHDRAW]];
    case "releasing":
      return forget(situation);
    case "stopping":
      if (waiting === "none") return NOTHING;
      return [each ? FORGET : skip("waiting", "shutdown")];
    case "timed_out":
      return running === "none" ? NOTHING : [skip("running", "shutdown")];
  }
}

function due(situation: Situation, isSpread: boolean): readonly Effect[] {
  const { owner, connected, paused, each, running, waiting } = situation;
  if (owner === "not_held") return NOTHING;
  // What was late before the pause waits, as all that waited does.
  if (paused) return isSpread ? wait(situation) : [skip("due", "paused")];
  const isOpen = owner === "held" && connected;
  const late = situation.late && !isSpread;
  if (isOpen && running === "none" && waiting === "none") return late ? [MISFIRE] : START;
  if (each) return [...wait(situation), ...isOpen && running === "none" ? [TURN] : NOTHING];
  if (!isOpen) return wait(situation);
  if (running === "unsent" || running === "partly_sent") return [skip("due", "overlap")];
  if (late) return running === "none" ? [MISFIRE, TURN] : [MISFIRE];
  return [
    ...waiting === "none" ? NOTHING : [SUPERSEDE_WAITING],
    ...running === "none" ? NOTHING : [SUPERSEDE_RUNNING],
    START_DUE,
  ];
}

/** What is due joins those that wait; where not each fires, it takes the place of the older. */
function wait({ connected, each, running, waiting, paused }: Situation): readonly Effect[] {
  const watch = connected ? NOTHING : [WATCH];
  if (each) return [...waiting === "full" ? [DROP_FIRST] : NOTHING, WAIT, ...watch];
  const gives = running === "unsent" || running === "unacknowledged";
  return [
    ...waiting === "none" ? NOTHING : [SUPERSEDE_WAITING],
    // A firing that began before a pause is let finish.
    ...gives && !paused ? [SUPERSEDE_RUNNING] : NOTHING,
    WAIT,
    ...watch,
  ];
}

/** Starts the first that waits, once nothing runs and dispatches may leave. */
function turn({ owner, connected, paused, each, running, waiting, late }: Situation) {
  if (running !== "none" || waiting === "none" || owner !== "held" || paused) return NOTHING;
  if (!connected) return [WATCH];
  if (!each && waiting !== "one") return [skip("older", "superseded"), TURN];
  return late ? [skip("first", "misfire"), TURN] : [START_FIRST];
}

/** What began in a term that is over starts again in the new one: nothing of the old may leave. */
function newTerm(situation: Situation): readonly Effect[] {
  const { owner, connected, each, running, waiting, late } = situation;
  if (owner !== "held") return NOTHING;
  if (late) return [skip("running", "misfire"), TURN];
  if (connected) return [{ do: "restart" }];
  if (!each && waiting !== "none") {
    // What is partly sent must be completed, before the one that waits.
    return running === "partly_sent" ? [WATCH] : [SUPERSEDE_RUNNING, WATCH];
  }
  return [...waiting === "full" ? [DROP_FIRST] : NOTHING, { do: "hold" }, WATCH];
}

function forget({ waiting }: Situation): readonly Effect[] {
  return waiting === "none" ? NOTHING : [FORGET];
}

function skip(what: Target, as: SkipReason): Effect {
  return { do: "skip", what, as };
}
