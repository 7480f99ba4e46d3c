import type { JsonObject, MessageBus } from "../bus/message_bus.ts";
import type { Clock } from "../time/clock.ts";

/** The message by which a replica announces itself. */
export interface Announcement {
  readonly replica: string;
  /** The hash of its schedules. */
  readonly schedules: string;
  /** The version of its time zone data; absent where that is not known, and in 0.1.0. */
  readonly zones?: string;
  /** The leases that it holds. */
  readonly leases: readonly number[];
  /** True where it asks the others to announce themselves at once. */
  readonly isNew?: boolean;
  /** True where it leaves. */
  readonly isLeaving?: boolean;
}

const MAX_ANNOUNCEMENT_BYTES = 16 * 2 ** 10;
/** Whoever may announce a replica may invent many. */
const MAX_REPLICAS = 1000;

export interface PresenceOptions {
  bus: MessageBus;
  scheduler: string;
  clock: Clock;
  /** The time that a silent replica counts as present, in milliseconds. */
  ttl: number;
  /** Returns the announcement of this replica, as it is now. */
  self(): Announcement;
  /** Called with each announcement of another replica that changes something. */
  onChange(): void;
}

/** Returns the subject on which the replicas of a scheduler announce themselves. */
export function presenceSubject(scheduler: string): string {
  return `heddle.scheduler.${scheduler}.replicas`;
}

/**
 * Knows which replicas are present, by announcements on core NATS, which need no store and no
 * cleaning up.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #others = new Map<string, { announcement: Announcement; receivedAt: number }>();
  /** The waits for the next announcement of a replica, by its name. */
  readonly #awaited = new Map<string, PromiseWithResolvers<Announcement | null>>();
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
    const oldest = this.#options.clock.monotonic() - this.#options.ttl;
    for (const [replica, { receivedAt }] of this.#others) {
      if (receivedAt < oldest) this.#others.delete(replica);
    }
    return [...this.#others.values()].map(({ announcement }) => announcement);
  }

  /** Takes a replica as gone, whatever it announced last, until it announces itself again. */
  forget(replica: string): void {
    this.#others.delete(replica);
  }

  /** Listens until `signal` aborts. */
  async listen(signal: AbortSignal): Promise<void> {
    const { bus, scheduler } = this.#options;
    const inbox = await bus.subscribe(presenceSubject(scheduler), {
      maxBytes: MAX_ANNOUNCEMENT_BYTES,
      maxWaiting: MAX_REPLICAS,
    });
    const stop = () => void inbox.unsubscribe();
    signal.addEventListener("abort", stop, { once: true });
    void (async () => {
      for await (const { data } of inbox) this.#receive(data);
    })();
    if (signal.aborted) stop();
  }

  /** Announces this replica. What cannot be sent now is not sent later. */
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

  #receive(data: JsonObject): void {
    const { clock, self, onChange } = this.#options;
    const { replica, schedules, zones, leases, isNew, isLeaving } = data as
      & JsonObject
      & Announcement;
    if (typeof replica !== "string" || replica === self().replica || !Array.isArray(leases)) return;
    const announcement = {
      ...{ replica, schedules: String(schedules), leases, isNew, isLeaving },
      ...(typeof zones === "string" && { zones }),
    };
    this.#awaited.get(replica)?.resolve(announcement);
    const before = this.#others.get(replica)?.announcement;
    if (isLeaving) this.#others.delete(replica);
    else if (before === undefined && this.#others.size >= MAX_REPLICAS) return;
    else this.#others.set(replica, { announcement, receivedAt: clock.monotonic() });
    if (isNew) this.#answer();
    const isSame = before?.schedules === announcement.schedules && !isLeaving &&
      before.leases.join() === leases.join();
    if (!isSame) onChange();
  }
}
