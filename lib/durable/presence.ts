import type { JsonObject, MessageBus } from "../bus/message_bus.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { MAX_TERM } from "./lease_record.ts";
import { PARTITIONS } from "./shards.ts";

/** The message by which a replica announces itself. */
export interface Announcement {
  readonly replica: string;
  /** The hash of its schedules. */
  readonly schedules: string;
  /** The version of its time zone data; absent where that is not known, and in 0.1.0. */
  readonly zones?: string;
  /** The leases that it holds. */
  readonly leases: readonly number[];
  /** The highest term of a lease that it knows of; an older version does not say. */
  readonly term?: number;
  /** True where it asks the others to announce themselves at once. */
  readonly isNew?: boolean;
  /** True where it leaves. */
  readonly isLeaving?: boolean;
}

const MAX_ANNOUNCEMENT_BYTES = 16 * 2 ** 10;
/** Anybody who may publish on the subject can announce processes that do not exist. */
const MAX_OTHERS = 1000;
/** The announcement of a scheduler without replicas. Older versions ignore it. */
export interface LoneAnnouncement extends Pick<Announcement, "isNew" | "isLeaving"> {
  /** An identity of the process. */
  readonly alone: string;
}

export interface PresenceOptions {
  bus: MessageBus;
  scheduler: string;
  clock: Clock;
  logger: Logger;
  /** The time that a silent replica counts as present, in milliseconds. */
  ttl: number;
  /** Returns the announcement of this process, as it is now. */
  self(): Announcement | LoneAnnouncement;
  /** Called with each announcement of another replica that changes something. */
  onChange?(other: Announcement): void;
}

/** The last that was heard of another process. */
interface Heard<T> {
  readonly announcement: T;
  readonly receivedAt: number;
}

/** A scheduler without replicas announces itself this often. */
export const LONE_PERIOD_MS = 15_000;
/** A silent one counts as present for so long; so does a replica, from its point of view. */
export const LONE_TTL_MS = 3 * LONE_PERIOD_MS;
/** Higher terms are ignored, so that a false announcement cannot use up the numbers. */
const MAX_ANNOUNCED_TERM = MAX_TERM / 2;
const MAX_NAME_CHARS = 1000;

/** Returns the subject on which the processes of a scheduler announce themselves. */
export function presenceSubject(scheduler: string): string {
  return `heddle.scheduler.${scheduler}.replicas`;
}

/**
 * Knows which other processes of the same scheduler are present, by announcements on core NATS,
 * which need no store and no cleaning up.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #replicas = new Map<string, Heard<Announcement>>();
  readonly #alone = new Map<string, Heard<LoneAnnouncement>>();
  /** The waits for the next announcement of a replica, by its name. */
  readonly #awaited = new Map<string, PromiseWithResolvers<Announcement | null>>();
  /** The schedulers that were reported for using the name without sharing the leases. */
  readonly #reported = new Set<string>();
  #hasLeft = false;
  /** True while an announcement is on its way to the server. */
  #announcing = false;
  /** True where another replica has asked meanwhile. */
  #isAsked = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** The other replicas that announced themselves within the TTL. */
  get others(): Announcement[] {
    return this.#present(this.#replicas, this.#options.ttl);
  }

  /**
   * The others that fire the same entries, whoever holds which lease: those without replicas, and
   * all others where this is one.
   */
  get rivals(): string[] {
    const alone = this.#present(this.#alone, LONE_TTL_MS)
      .map(({ alone }) => `a scheduler without --replicas (${alone})`);
    const isAlone = "alone" in this.#options.self();
    return [...alone, ...isAlone ? this.others.map(({ replica }) => `replica ${replica}`) : []];
  }

  /** Takes a replica as gone, whatever it announced last, until it announces itself again. */
  forget(replica: string): void {
    this.#replicas.delete(replica);
  }

  /** Listens until `signal` aborts. */
  async listen(signal: AbortSignal): Promise<void> {
    const { bus, scheduler } = this.#options;
    const inbox = await bus.subscribe(presenceSubject(scheduler), {
      maxBytes: MAX_ANNOUNCEMENT_BYTES,
      maxWaiting: MAX_OTHERS,
    });
    const stop = () => void inbox.unsubscribe();
    signal.addEventListener("abort", stop, { once: true });
    void (async () => {
      for await (const { data } of inbox) this.#receive(data);
    })();
    if (signal.aborted) stop();
  }

  /** Listens, and announces this process now and then, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { bus, clock } = this.#options;
    await this.listen(signal);
    for (let isNew = true; !signal.aborted; isNew = false) {
      await bus.whenConnected(signal);
      this.announce(isNew ? { isNew } : {});
      await clock.sleep(LONE_PERIOD_MS, signal);
    }
    this.announce({ isLeaving: true });
  }

  /** Announces this process. What cannot be sent now is not sent later. */
  announce(more: Pick<Announcement, "isNew" | "isLeaving"> = {}): void {
    const { bus, scheduler, self } = this.#options;
    if (!bus.connected || this.#hasLeft) return;
    this.#hasLeft = more.isLeaving === true;
    this.#announcing = true;
    bus.publish(presenceSubject(scheduler), { ...self(), ...more }).catch(() => {}).finally(() => {
      this.#announcing = false;
      if (this.#isAsked) this.#answer();
    });
  }

  /** However many ask meanwhile, one answer after the announcement that is under way is enough. */
  #answer(): void {
    this.#isAsked = this.#announcing;
    if (!this.#announcing) this.announce();
  }

  /**
   * Asks all replicas to announce themselves, and waits for one of them.
   *
   * @param timeout in milliseconds
   * @returns its announcement; null where none comes in time
   */
  async ask(replica: string, timeout: number): Promise<Announcement | null> {
    const known = this.#awaited.get(replica);
    if (known !== undefined) return await known.promise;
    const awaited = Promise.withResolvers<Announcement | null>();
    this.#awaited.set(replica, awaited);
    const ended = new AbortController();
    void this.#options.clock.sleep(timeout, ended.signal).then(() => awaited.resolve(null));
    this.announce({ isNew: true });
    try {
      return await awaited.promise;
    } finally {
      ended.abort();
      this.#awaited.delete(replica);
    }
  }

  #present<T>(heard: Map<string, Heard<T>>, ttl: number): T[] {
    const oldest = this.#options.clock.monotonic() - ttl;
    for (const [name, { receivedAt }] of heard) if (receivedAt < oldest) heard.delete(name);
    return [...heard.values()].map(({ announcement }) => announcement);
  }

  #receive(data: JsonObject): void {
    const self: Partial<Announcement & LoneAnnouncement> = this.#options.self();
    const { replica, alone } = data;
    if (isName(alone) && alone !== self.alone) {
      this.#note(this.#alone, alone, { ...flagsOf(data), alone });
    } else if (isName(replica) && replica !== self.replica && isLeases(data.leases)) {
      this.#receiveReplica(replica, data.leases, data);
    } else return;
    if (data.isNew === true) this.#answer();
    this.#report();
  }

  #receiveReplica(replica: string, leases: readonly number[], data: JsonObject): void {
    const { term, zones } = data;
    const schedules = String(data.schedules);
    const isTerm = Number.isSafeInteger(term) && (term as number) <= MAX_ANNOUNCED_TERM;
    const announcement: Announcement = {
      replica,
      schedules,
      leases,
      ...(isTerm && { term: term as number }),
      ...(typeof zones === "string" && { zones }),
      ...flagsOf(data),
    };
    this.#awaited.get(replica)?.resolve(announcement);
    const before = this.#replicas.get(replica)?.announcement;
    this.#note(this.#replicas, replica, announcement);
    const isSame = before?.schedules === schedules && !announcement.isLeaving &&
      before.leases.join() === leases.join() && before.term === announcement.term;
    if (!isSame) this.#options.onChange?.(announcement);
  }

  #note<T extends Pick<Announcement, "isLeaving">>(
    heard: Map<string, Heard<T>>,
    name: string,
    announcement: T,
  ): void {
    if (announcement.isLeaving) heard.delete(name);
    else if (heard.has(name) || heard.size < MAX_OTHERS) {
      heard.set(name, { announcement, receivedAt: this.#options.clock.monotonic() });
    }
  }

  /** Logs, once each, which other schedulers use the name and share nothing with this one. */
  #report(): void {
    const { rivals } = this;
    for (const other of rivals) {
      if (this.#reported.has(other)) continue;
      this.#options.logger.warning("scheduler.name_shared", {
        scheduler: this.#options.scheduler,
        other,
        error: `Two schedulers use the name "${this.#options.scheduler}" and do not share its ` +
          `entries: this one and ${other}. Each entry fires in both: end one of them, or run ` +
          "all with --replicas",
      });
    }
    this.#reported.clear();
    for (const other of rivals) this.#reported.add(other);
  }
}

function flagsOf({ isNew, isLeaving }: JsonObject): Pick<Announcement, "isNew" | "isLeaving"> {
  return { ...(isNew === true && { isNew }), ...(isLeaving === true && { isLeaving }) };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_NAME_CHARS;
}

function isLeases(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= PARTITIONS;
}
