/**
 * All jobs in file order, and when each is due. A reload is prepared beside it and swapped in by one
 * synchronous step; leases let a shard's jobs begin, and park them.
 *
 * @module
 */
import { errorText } from "../internal/error_text.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { timingFields } from "../config/timing/timing.ts";
import type { Checkpoint } from "../durable/checkpoint.ts";
import { NOBODY, type Owner, SOLE } from "../durable/owner.ts";
import type { Logger } from "../log/logger.ts";
import { catchUpInEffect } from "../schedule/catch_up.ts";
import { isOnWallClock } from "../schedule/entry_cadence.ts";
import type { Stretch } from "../schedule/fired_ahead.ts";
import { graceMs } from "../schedule/misfire.ts";
import {
  advance,
  begin,
  type Beginning,
  CATCH_UP_LIMIT,
  type Due,
  dueAt,
  fireAtOf,
  followClock,
  type Known,
  limitCatchUp,
  type Missed,
  setBack,
  spread,
  takeSpread,
} from "../schedule/occurrences.ts";
import { sameTiming } from "../schedule/timing_text.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import type { CatchUp } from "../wire/vocabulary.ts";
import { DueQueue } from "./due_queue.ts";
import { firesEach, Job } from "./job.ts";

/** Who owns each entry, and what is remembered of it. */
export interface Placement {
  /** {@link NOBODY} for an entry that this process does not fire, or not yet. */
  ownerOf(entryName: string): Owner;
  /** Null where nothing is remembered. */
  recall(entryName: string, owner: Owner): { checkpoint: Checkpoint; known: Known } | null;
}

/** Of a scheduler that shares its entries with nobody and remembers nothing. */
export const ALONE: Placement = { ownerOf: () => SOLE, recall: () => null };

export interface JobTableOptions {
  clock: Clock;
  logger: Logger;
  /** Whether several processes share the schedules. Default: false. */
  hasReplicas?: boolean;
  /** Default: nothing is paused. */
  isPaused?(entryName: string): boolean;
  /** Called for each job whose missed occurrences are not fired. Default: nobody is told. */
  onMissed?(job: Job, missed: Missed, catchUp: CatchUp): void;
}

/** Where a job is to begin, and what that was found out from: it holds while that is so. */
interface Plan {
  readonly beginning: Beginning;
  readonly entry: ScheduleEntry;
  readonly owner: Owner;
  readonly checkpoint: Checkpoint | null;
  readonly last: number;
  readonly late: Due | null;
  readonly clockSets: number;
}

/** A table that has been prepared and is not in use. */
export interface Draft {
  readonly rows: readonly Row[];
  /** The new place of each job of the table, by its old one; -1 for one that goes. */
  readonly places: Int32Array;
}

interface Row {
  readonly entry: ScheduleEntry;
  readonly job: Job;
  /** Null for a job that goes on where it is. */
  readonly plan: Plan | null;
}

/** Missed occurrences are counted where the first is late by more, in milliseconds. */
const MIN_COUNTED_LATENESS_MS = 10_000;

export class JobTable {
  readonly #options: JobTableOptions;
  #jobs: readonly Job[] = [];
  #queue = new DueQueue();
  /** Made when it is first asked for. */
  #byName: Map<string, number> | null = null;
  /** Jobs whose entry is gone and whose firing still runs: a name that returns gets its job back. */
  readonly #retired = new Map<string, Job>();
  /** How often the clock was set: what was planned before that holds no more. */
  #clockSets = 0;
  /** The time that the clock was set forward over; null once it was set back before its end. */
  #leap: Stretch | null = null;

  /** The wall clock at the start, in milliseconds since the epoch. */
  readonly #startedAt: number;

  constructor(options: JobTableOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** In file order. */
  get jobs(): readonly Job[] {
    return this.#jobs;
  }

  get(name: string): Job | undefined {
    return this.#jobs[this.#placesByName.get(name) ?? -1];
  }

  /** When a job is due next, by the wall clock; Infinity for never. */
  get nextDue(): number {
    return this.#queue.nextDue;
  }

  /** The jobs that are due at {@link JobTable.nextDue}, in no particular order. */
  get dueNext(): Job[] {
    return this.#queue.dueNext().map((place) => this.#jobs[place]!);
  }

  /**
   * Takes the first job that is due at `now`, and moves it on to its next occurrence.
   *
   * @param onDue called with the occurrence, unless it is late and to be delayed by its jitter
   * @returns whether a job was due
   */
  takeDue(now: number, onDue: (job: Job, due: Due) => void): boolean {
    const fireAt = this.#queue.nextDue;
    const place = this.#queue.takeDue(now);
    if (place === null) return false;
    const job = this.#jobs[place]!;
    try {
      const due = this.#advance(job, now, fireAt);
      const next = dueAt(job);
      if (next !== Infinity) this.#queue.add(place, next);
      else this.#logExhausted(job);
      if (due !== null) onDue(job, due);
    } catch (error) {
      // One bad entry never stops another; this one is out of the queue or already back in.
      this.#options.logger.error("scheduler.dispatch_error", {
        schedule: job.name,
        error: errorText(error),
      });
    }
    return true;
  }

  /** Makes the table of `entries` ready, in slices, while this one goes on. */
  async prepare(entries: readonly ScheduleEntry[], placement: Placement): Promise<Draft> {
    const slice = new Slice(this.#options.clock);
    const jobs = this.#jobs;
    const placesByName = this.#placesByName;
    const places = new Int32Array(jobs.length).fill(-1);
    const rows: Row[] = [];
    for (const entry of entries) {
      const place = placesByName.get(entry.name);
      if (place !== undefined) places[place] = rows.length;
      const job = jobs[place ?? -1] ?? this.#retired.get(entry.name) ?? new Job(entry);
      const isKept = place !== undefined && sameTiming(job.entry, entry) &&
        job.entry.timing.zone === entry.timing.zone;
      rows.push({ entry, job, plan: isKept ? null : this.#plan(job, entry, placement) });
      if (slice.isOver()) await slice.pause();
    }
    return { rows, places };
  }

  /**
   * Puts a draft in use. What moved since it was prepared is seen here: a job that goes on keeps its
   * due time of now, and a plan that was overtaken is made again.
   *
   * @returns the jobs whose entries were removed or disabled
   */
  swap({ rows, places }: Draft, placement: Placement): Job[] {
    const before = this.#jobs;
    const dues = new Array<number>(rows.length).fill(Infinity);
    this.#queue.forEach((place, due) => {
      if (places[place] !== -1) dues[places[place]!] = due;
    });
    const stopped = before.filter((job, place) => {
      if (places[place] === -1 && job.running !== null) this.#retired.set(job.name, job);
      return places[place] === -1;
    });
    this.#jobs = rows.map(({ job }) => job);
    this.#byName = null;
    rows.forEach((row, place) => {
      const { entry, job, plan } = row;
      if (job.entry.enabled && !entry.enabled) stopped.push(job);
      if (plan === null) job.entry = entry;
      else dues[place] = this.#replace(row, plan, dues[place]!, placement);
      if (this.#retired.size > 0) this.#retired.delete(entry.name);
    });
    for (const { irregular } of stopped) if (irregular !== null) irregular.late = null;
    this.#queue = new DueQueue(dues);
    for (const [name, job] of this.#retired) if (job.running === null) this.#retired.delete(name);
    return stopped;
  }

  /**
   * Lets jobs begin with an owner: plans in slices, then begins all that are meant in one synchronous
   * step, whatever the table holds by then.
   *
   * @param mayBegin asked in that step; where it says no, nothing begins
   * @returns whether they began
   */
  async adopt(
    owner: Owner,
    { recall, isMeant, mayBegin }: {
      recall: Placement["recall"];
      isMeant(job: Job): boolean;
      mayBegin(): boolean;
    },
  ): Promise<boolean> {
    const placement: Placement = { ownerOf: () => owner, recall };
    const slice = new Slice(this.#options.clock);
    const plans = new Map<Job, Plan>();
    for (const job of this.#jobs) {
      if (isMeant(job)) plans.set(job, this.#plan(job, job.entry, placement));
      if (slice.isOver()) await slice.pause();
    }
    if (!mayBegin()) return false;
    this.#refill((job, due) => {
      if (!isMeant(job)) return due;
      const plan = plans.get(job);
      const isCurrent = plan !== undefined && this.#isCurrent(plan, job, job.entry, owner);
      return this.#begin(job, isCurrent ? plan : this.#plan(job, job.entry, placement));
    });
    return true;
  }

  /**
   * Takes an owner's jobs out of the queue: whoever fires them next goes by their checkpoints.
   *
   * @returns the oldest occurrence that was due and has not been handed over; Infinity for none
   */
  park(owner: Owner): number {
    const now = this.#options.clock.now();
    let oldest = Infinity;
    this.#refill((job, due) => {
      if (job.owner !== owner) return due;
      const late = job.irregular?.late ?? null;
      if (late !== null) oldest = Math.min(oldest, late.scheduledFor);
      else if (due <= now) oldest = Math.min(oldest, job.next);
      job.owner = NOBODY;
      job.next = Infinity;
      job.last = -Infinity;
      job.irregular = null;
      return Infinity;
    });
    return oldest;
  }

  /** Follows a wall clock that was set forward by `jump` milliseconds, or back where negative. */
  followClock(jump: number): void {
    const now = this.#options.clock.now();
    this.#clockSets++;
    this.#refill((job, due) => {
      if (job.owner === NOBODY) return due;
      followClock(job, { jump, now, leap: this.#leap });
      return dueAt(job);
    });
    if (jump > 0) this.#leap = { from: now - jump, to: now };
    else if (this.#leap !== null && now < this.#leap.to) this.#leap = null;
  }

  /**
   * The clock was ahead since the start, as the server shows, and has been set back: entries on the
   * wall clock go on by it, instead of waiting for what they fired in a future that was none.
   */
  leaveFuture(): void {
    const now = this.#options.clock.now();
    if (this.#startedAt <= now) return;
    const leap = { from: now, to: this.#startedAt };
    this.#clockSets++;
    this.#refill((job, due) => {
      if (job.owner === NOBODY || !job.entry.enabled || !isOnWallClock(job.entry)) return due;
      setBack(job, now, leap);
      return dueAt(job);
    });
  }

  get #placesByName(): Map<string, number> {
    return this.#byName ??= new Map(this.#jobs.map(({ name }, place) => [name, place]));
  }

  /** Makes the queue again from what each job says; Infinity for one that is not in it. */
  #refill(dueOf: (job: Job, due: number) => number): void {
    const dues = new Array<number>(this.#jobs.length).fill(Infinity);
    this.#queue.forEach((place, due) => dues[place] = due);
    this.#jobs.forEach((job, place) => dues[place] = dueOf(job, dues[place]!));
    this.#queue = new DueQueue(dues);
  }

  /** @returns null where the occurrence is late and was delayed by its jitter */
  #advance(job: Job, now: number, fireAt: number): Due | null {
    const each = firesEach(job);
    if (job.irregular?.late) return takeSpread(job, now, each);
    const countedAt = job.irregular?.countedAt ?? -Infinity;
    // Counting takes as long as a thousand firings: once in a while for all that it is behind with.
    const isFarBehind = each && now - Math.max(fireAt, countedAt) > MIN_COUNTED_LATENESS_MS;
    const isCut = isFarBehind && this.#limit(job, now);
    const due = advance(job, { now, fireAt: isCut ? dueAt(job) : fireAt, firesEach: each });
    const isDelayed = this.#maySpread(job, now - due.fireAt) && spread(job, due, now) !== null;
    return isDelayed ? null : due;
  }

  /** What is skipped at once, or waits anyway, is not delayed. */
  #maySpread({ entry, owner }: Job, lateness: number): boolean {
    if (entry.jitterSeconds === 0 || lateness > graceMs(entry)) return false;
    return owner.state === "held" && !this.#isPaused(entry.name);
  }

  /** @returns whether occurrences were left out */
  #limit(job: Job, now: number): boolean {
    const { next } = job;
    if (!limitCatchUp(job, now)) return false;
    this.#options.logger.warning("scheduler.fire_skipped", {
      schedule: job.name,
      scheduled_for: new Date(next).toISOString(),
      until: new Date(job.next).toISOString(),
      reason: "catch_up_limit",
      limit: CATCH_UP_LIMIT,
    });
    return true;
  }

  #plan(job: Job, entry: ScheduleEntry, placement: Placement): Plan {
    const owner = placement.ownerOf(entry.name);
    const recalled = owner === NOBODY ? null : placement.recall(entry.name, owner);
    const beginning = begin(owner === NOBODY ? { ...entry, enabled: false } : entry, {
      now: this.#options.clock.now(),
      old: job.owner === NOBODY ? null : job,
      known: recalled?.known ?? null,
      catchUp: this.#catchUpOf(entry),
    });
    const { last } = job;
    const late = job.irregular?.late ?? null;
    const checkpoint = recalled?.checkpoint ?? null;
    return { beginning, entry, owner, checkpoint, last, late, clockSets: this.#clockSets };
  }

  #isCurrent(plan: Plan, job: Job, entry: ScheduleEntry, owner: Owner): boolean {
    return plan.entry === entry && plan.owner === owner && plan.last === job.last &&
      plan.late === (job.irregular?.late ?? null) && plan.clockSets === this.#clockSets;
  }

  /**
   * Gives a job another timing. An occurrence of the old one that is due and has not been taken yet
   * still fires.
   */
  #replace({ entry, job }: Row, plan: Plan, due: number, placement: Placement): number {
    const { next, irregular } = job;
    const nextDue = irregular?.late ? fireAtOf(job) : due;
    const isOverdue = nextDue <= this.#options.clock.now();
    const isCurrent = this.#isCurrent(plan, job, entry, placement.ownerOf(entry.name));
    const fireAt = this.#begin(job, isCurrent ? plan : this.#plan(job, entry, placement));
    if (!isOverdue || !entry.enabled || job.owner === NOBODY) return fireAt;
    job.next = next;
    return due;
  }

  /** @returns when the job is due */
  #begin(job: Job, { beginning, entry, owner, checkpoint }: Plan): number {
    const { cadence, shift, next, last, irregular, fireAt, missed, catchesUpSince } = beginning;
    job.entry = entry;
    if (owner !== NOBODY && entry.enabled) {
      if (catchesUpSince !== null) this.#logCatchUp(job, catchesUpSince);
      // What is due while an entry is paused is not missed.
      if (missed !== null && !this.#isPaused(entry.name)) {
        this.#options.onMissed?.(job, missed, this.#catchUpOf(entry));
      }
      if (next === Infinity) this.#logExhausted(job);
      checkpoint?.begun();
    }
    job.owner = owner;
    job.checkpoint = checkpoint;
    job.cadence = cadence;
    job.shift = shift;
    job.next = next;
    job.last = last;
    job.irregular = irregular;
    return fireAt;
  }

  #isPaused(name: string): boolean {
    return this.#options.isPaused?.(name) ?? false;
  }

  #catchUpOf(entry: ScheduleEntry): CatchUp {
    return catchUpInEffect(entry, this.#options.hasReplicas ?? false);
  }

  #logCatchUp({ name, entry }: Job, missedSince: number): void {
    this.#options.logger.info("scheduler.catching_up", {
      schedule: name,
      catch_up: this.#catchUpOf(entry),
      missed_since: new Date(missedSince).toISOString(),
    });
  }

  #logExhausted({ name, entry, last }: Job): void {
    this.#options.logger.warning("scheduler.schedule_exhausted", {
      schedule: name,
      ...timingFields(entry.timing),
      last_fire: last === -Infinity ? null : new Date(last).toISOString(),
    });
  }
}
