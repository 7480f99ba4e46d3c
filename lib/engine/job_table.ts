/**
 * All jobs in file order, and their due times. A reload is prepared beside the table and swapped in
 * by one synchronous step. Jobs begin when their shard's lease is acquired; its loss parks them.
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

/** The owner and the checkpoint of each entry. */
export interface Placement {
  /** Returns {@link NOBODY} for an entry that this process does not fire, or not yet. */
  ownerOf(entryName: string): Owner;
  /** Returns null where there is no checkpoint. */
  recall(entryName: string, owner: Owner): { checkpoint: Checkpoint; known: Known } | null;
}

/** The placement of a scheduler without replicas and checkpoints. */
export const ALONE: Placement = { ownerOf: () => SOLE, recall: () => null };

export interface JobTableOptions {
  clock: Clock;
  logger: Logger;
  /** Whether several processes share the schedules. Default: false. */
  hasReplicas?: boolean;
  /** Default: nothing is paused. */
  isPaused?(entryName: string): boolean;
  /** Called for each job with missed occurrences that do not fire. Default: does nothing. */
  onMissed?(job: Job, missed: Missed, catchUp: CatchUp): void;
}

/** Where a job will begin, and the state that this depends on: it is valid until that changes. */
interface Plan {
  readonly beginning: Beginning;
  readonly entry: ScheduleEntry;
  readonly owner: Owner;
  readonly checkpoint: Checkpoint | null;
  readonly last: number;
  readonly late: Due | null;
  readonly clockSets: number;
}

/** A prepared table that is not in use. */
export interface Draft {
  readonly rows: readonly Row[];
  /** The new place of each job, by its old place; -1 for a removed one. */
  readonly places: Int32Array;
}

interface Row {
  readonly entry: ScheduleEntry;
  readonly job: Job;
  /** Null for a job whose timing stays the same. */
  readonly plan: Plan | null;
}

/** Passed occurrences are counted only where the first is late by more than this. */
const MIN_COUNTED_LATENESS_MS = 10_000;

export class JobTable {
  readonly #options: JobTableOptions;
  #jobs: readonly Job[] = [];
  #queue = new DueQueue();
  /** Built on first use. */
  #byName: Map<string, number> | null = null;
  /** Jobs of removed entries whose firing still runs: an entry that returns gets its job back. */
  readonly #retired = new Map<string, Job>();
  /** The number of times that the clock was set, after each of which older plans are invalid. */
  #clockSets = 0;
  /** The stretch that the clock was set forward over; null once it was set back before its end. */
  #setForward: Stretch | null = null;
  /** The wall clock at the start, in milliseconds since the epoch. */
  readonly #startedAt: number;

  constructor(options: JobTableOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** The jobs, in file order. */
  get jobs(): readonly Job[] {
    return this.#jobs;
  }

  get(name: string): Job | undefined {
    return this.#jobs[this.#placesByName.get(name) ?? -1];
  }

  /** The next due time, by the wall clock; Infinity for never. */
  get nextDue(): number {
    return this.#queue.nextDue;
  }

  /** The jobs that are due at {@link JobTable.nextDue}, in no particular order. */
  get dueNext(): Job[] {
    return this.#queue.dueNext().map((place) => this.#jobs[place]!);
  }

  /**
   * Takes the first job that is due at `now` and advances it to its next occurrence.
   *
   * @param onDue called with the occurrence, unless it is late and its jitter delays it again
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
      // An error in one entry must not stop another; this one is out of the queue or already back.
      this.#options.logger.error("scheduler.dispatch_error", {
        schedule: job.name,
        error: errorText(error),
      });
    }
    return true;
  }

  /** Prepares the table of `entries`, in slices, while this one stays in use. */
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
   * Puts a draft in use. A job without a plan keeps its present due time, and a plan that is no
   * longer valid is made again.
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
   * Lets the jobs that `isMeant` selects begin with an owner: plans them in slices, then begins all
   * in one synchronous step, from the table as it is by then.
   *
   * @param mayBegin called in that step; where it returns false, no job begins
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
   * Takes an owner's jobs out of the queue; the next owner starts from their checkpoints.
   *
   * @returns the oldest occurrence that was due and had not been taken; Infinity for none
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

  /** Adjusts to a wall clock that was set forward by `jump` milliseconds; negative for back. */
  followClock(jump: number): void {
    const now = this.#options.clock.now();
    this.#clockSets++;
    this.#refill((job, due) => {
      if (job.owner === NOBODY) return due;
      followClock(job, { jump, now, setForward: this.#setForward });
      return dueAt(job);
    });
    if (jump > 0) this.#setForward = { from: now - jump, to: now };
    else if (this.#setForward !== null && now < this.#setForward.to) this.#setForward = null;
  }

  /**
   * Adjusts to a clock that has been set back and, by the server's time, was ahead at the start:
   * entries on the wall clock continue from now, and skip only the instants that they fired.
   */
  leaveFuture(): void {
    const now = this.#options.clock.now();
    if (this.#startedAt <= now) return;
    const setForward = { from: now, to: this.#startedAt };
    this.#clockSets++;
    this.#refill((job, due) => {
      if (job.owner === NOBODY || !job.entry.enabled || !isOnWallClock(job.entry)) return due;
      setBack(job, now, setForward);
      return dueAt(job);
    });
  }

  get #placesByName(): Map<string, number> {
    return this.#byName ??= new Map(this.#jobs.map(({ name }, place) => [name, place]));
  }

  /** Rebuilds the queue from the due times that `dueOf` returns; Infinity keeps a job out of it. */
  #refill(dueOf: (job: Job, due: number) => number): void {
    const dues = new Array<number>(this.#jobs.length).fill(Infinity);
    this.#queue.forEach((place, due) => dues[place] = due);
    this.#jobs.forEach((job, place) => dues[place] = dueOf(job, dues[place]!));
    this.#queue = new DueQueue(dues);
  }

  /** Takes an occurrence; returns null where it is late and its jitter delays it again. */
  #advance(job: Job, now: number, fireAt: number): Due | null {
    const each = firesEach(job);
    if (job.irregular?.late) return takeSpread(job, now, each);
    const countedAt = job.irregular?.countedAt ?? -Infinity;
    // Counting takes as long as a thousand firings, so it is not repeated within this time.
    const isFarBehind = each && now - Math.max(fireAt, countedAt) > MIN_COUNTED_LATENESS_MS;
    const isCut = isFarBehind && this.#limit(job, now);
    const due = advance(job, { now, fireAt: isCut ? dueAt(job) : fireAt, firesEach: each });
    const isDelayed = this.#maySpread(job, now - due.fireAt) && spread(job, due, now) !== null;
    return isDelayed ? null : due;
  }

  /** Reports whether a late occurrence may be delayed: not where it is skipped or waits anyway. */
  #maySpread({ entry, owner }: Job, lateness: number): boolean {
    if (entry.jitterSeconds === 0 || lateness > graceMs(entry)) return false;
    return owner.state === "held" && !this.#isPaused(entry.name);
  }

  /** Skips occurrences beyond the catch-up limit, and returns whether there were any. */
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

  /** Gives a job another timing. A due occurrence of the old one still fires. */
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

  /** Puts a plan in use, and returns the job's due time. */
  #begin(job: Job, { beginning, entry, owner, checkpoint }: Plan): number {
    const { cadence, shift, next, last, irregular, fireAt, missed, catchesUpSince } = beginning;
    job.entry = entry;
    if (owner !== NOBODY && entry.enabled) {
      if (catchesUpSince !== null) this.#logCatchUp(job, catchesUpSince);
      // Occurrences during a pause are not missed.
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
