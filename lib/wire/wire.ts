import { type EnvelopeInit, goalEnvelope, taskEnvelope } from "./envelope.ts";
import {
  orchestratorGoal,
  type OrchestratorGoalInit,
  taskMessage,
  type TaskMessageInit,
} from "./v1.ts";
import type { Wire } from "./vocabulary.ts";

/** Builds the messages of one wire, from the same facts. */
export interface MessageBuilder {
  /** Builds a goal. */
  goal(init: OrchestratorGoalInit & EnvelopeInit): Record<string, unknown>;
  /** Builds a task. */
  task(init: TaskMessageInit & EnvelopeInit): Record<string, unknown>;
}

const BUILDERS: Readonly<Record<Wire, MessageBuilder>> = {
  v1: { goal: orchestratorGoal, task: taskMessage },
  envelope: { goal: goalEnvelope, task: taskEnvelope },
};

/** Returns what builds the messages of a wire. */
export function messagesOf(wire: Wire): MessageBuilder {
  return BUILDERS[wire];
}
