/**
 * Decides what an event does to a job: the whole policy of misfires, overlap, waiting, superseding,
 * pauses, leases and shutdown (contract, section 5). It is pure and all its values are finite, so
 * that a test checks every event in every situation.
 *
 * @module
 */
import type { OwnerState } from "../durable/owner.ts";
import type { FiringState } from "./firing.ts";
import type { SkipReason } from "./history.ts";

export type JobEvent =
  /** An occurrence is due. */
  | "due"
  /** A late occurrence is due that its jitter has delayed again. */
  | "spread_due"
  /** A firing ended, or the first waiting occurrence was skipped: the next one may start. */
  | "turn"
  /** The connection is restored, or a lapsed lease is renewed. */
  | "opened"
  /** The entry was paused or resumed. */
  | "pause_changed"
  /** A reload removed or disabled the entry. */
  | "removed"
  /** Another replica took the lease. */
  | "lost"
  /** The lease will be handed over. */
  | "releasing"
  /** The scheduler stops. */
  | "stopping"
  /** The time for running firings to end is over, at a stop or when the lease is handed over. */
  | "timed_out";

export interface Situation {
  readonly owner: OwnerState;
  readonly connected: boolean;
  readonly paused: boolean;
  /** Whether every occurrence fires: `catch_up: all`, where the last firing is remembered. */
  readonly each: boolean;
  readonly running: "none" | Exclude<FiringState, "over">;
  /** Whether the running firing began in an earlier term of the lease. */
  readonly inOldTerm: boolean;
  readonly waiting: "none" | "one" | "some" | "full";
  /** Whether the due occurrence, else the running or the first waiting one, is past its grace. */
  readonly late: boolean;
}

/** The occurrences that an effect concerns; `older` are all waiting ones but the newest. */
export type Target = "due" | "first" | "older" | "waiting" | "running";

export type Effect =
  | { readonly do: "start"; readonly what: "due" | "first" }
  /** Appends the due occurrence to the waiting ones. */
  | { readonly do: "wait" }
  | { readonly do: "skip"; readonly what: Target; readonly as: SkipReason }
  /** Drops the waiting occurrences without a log line: another holder or a start fires them. */
  | { readonly do: "forget" }
  /** Withdraws the running firing. */
  | { readonly do: "withdraw" }
  /** Withdraws the running firing and puts its occurrence before the waiting ones. */
  | { readonly do: "hold" }
  /** Withdraws the running firing and starts its occurrence in the new term. */
  | { readonly do: "restart" }
  /** Raises `opened` when the connection is restored. */
  | { readonly do: "watch" }
  /** Raises `turn` at once. */
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

/** Returns the effects of an event, in order. */
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
  // An occurrence that was due before the pause waits, as all others from before it do.
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

/** Makes the due occurrence wait; where not every one fires, it supersedes the older ones. */
function wait({ connected, each, running, waiting, paused }: Situation): readonly Effect[] {
  const watch = connected ? NOTHING : [WATCH];
  if (each) return [...waiting === "full" ? [DROP_FIRST] : NOTHING, WAIT, ...watch];
  const gives = running === "unsent" || running === "unacknowledged";
  return [
    ...waiting === "none" ? NOTHING : [SUPERSEDE_WAITING],
    // A firing that began before a pause may end.
    ...gives && !paused ? [SUPERSEDE_RUNNING] : NOTHING,
    WAIT,
    ...watch,
  ];
}

/** Starts the first waiting occurrence when nothing runs and dispatches may be sent. */
function turn({ owner, connected, paused, each, running, waiting, late }: Situation) {
  if (running !== "none" || waiting === "none" || owner !== "held" || paused) return NOTHING;
  if (!connected) return [WATCH];
  if (!each && waiting !== "one") return [skip("older", "superseded"), TURN];
  return late ? [skip("first", "misfire"), TURN] : [START_FIRST];
}

/** Restarts a firing of an earlier term, under which nothing may be sent any more. */
function newTerm(situation: Situation): readonly Effect[] {
  const { owner, connected, each, running, waiting, late } = situation;
  if (owner !== "held") return NOTHING;
  if (late) return [skip("running", "misfire"), TURN];
  if (connected) return [{ do: "restart" }];
  if (!each && waiting !== "none") {
    // A partly sent firing must be completed before the waiting occurrence starts.
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
