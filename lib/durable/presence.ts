import type { JsonObject, MessageBus } from "../bus/message_bus.ts";
import type { Clock } from "../time/clock.ts";

/** What a replica says of itself. */
export interface Announcement {
  readonly replica: string;
  /** A hash of its schedules. */
  readonly schedules: string;
  /** The leases that it holds. */
  readonly leases: readonly number[];
  /** Whether it asks everybody to announce themselves at once. */
  readonly isNew?: boolean;
  /** Whether it goes. */
  readonly isLeaving?: boolean;
}

export interface PresenceOptions {
  bus: MessageBus;
  scheduler: string;
  clock: Clock;
  /** For how long a silent replica counts as there, in milliseconds. */
  ttl: number;
  /** Ours, as it is now. */
  self(): Announcement;
  /** Called with each announcement of another replica that changes something. */
  onChange(): void;
}

/** Where the replicas of a scheduler announce themselves. */
export function presenceSubject(scheduler: string): string {
  return `heddle.scheduler.${scheduler}.replicas`;
}

/** Which replicas are there: by announcements on core NATS, which need no store and no cleaning up. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #others = new Map<string, { announcement: Announcement; heardAt: number }>();
  /** Who waits for the next announcement of a replica, by its name. */
  readonly #awaited = new Map<string, PromiseWithResolvers<Announcement | null>>();
  #hasLeft = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** The others that were heard within the TTL. */
  get others(): Announcement[] {
    const oldest = this.#options.clock.monotonic() - this.#options.ttl;
    for (const [replica, { heardAt }] of this.#others) {
      if (heardAt < oldest) this.#others.delete(replica);
    }
    return [...this.#others.values()].map(({ announcement }) => announcement);
  }

  /** A replica has gone, whatever it said last; it is there again when it is heard again. */
  forget(replica: string): void {
    this.#others.delete(replica);
  }

  /** Listens until `signal` aborts. */
  async listen(signal: AbortSignal): Promise<void> {
    const { bus, scheduler } = this.#options;
    const inbox = await bus.subscribe(presenceSubject(scheduler));
    const stop = () => void inbox.unsubscribe();
    signal.addEventListener("abort", stop, { once: true });
    void (async () => {
      for await (const { data } of inbox) this.#hear(data);
    })();
    if (signal.aborted) stop();
  }

  /** Says that we are there, or go. What cannot be said now is not said later. */
  announce(more: Pick<Announcement, "isNew" | "isLeaving"> = {}): void {
    const { bus, scheduler, self } = this.#options;
    if (!bus.connected || this.#hasLeft) return;
    this.#hasLeft = more.isLeaving === true;
    bus.publish(presenceSubject(scheduler), { ...self(), ...more }).catch(() => {});
  }

  /**
   * Asks everybody to announce themselves, and waits for this replica.
   *
   * @param timeout in milliseconds
   * @returns what it says of itself; null when it says nothing in time
   */
  async hear(replica: string, timeout: number): Promise<Announcement | null> {
    const known = this.#awaited.get(replica);
    if (known !== undefined) return await known.promise;
    const awaited = Promise.withResolvers<Announcement | null>();
    this.#awaited.set(replica, awaited);
    const heard = new AbortController();
    void this.#options.clock.sleep(timeout, heard.signal).then(() => awaited.resolve(null));
    this.announce({ isNew: true });
    try {
      return await awaited.promise;
    } finally {
      heard.abort();
      this.#awaited.delete(replica);
    }
  }

  #hear(data: JsonObject): void {
    const { clock, self, onChange } = this.#options;
    const { replica, schedules, leases, isNew, isLeaving } = data as JsonObject & Announcement;
    if (typeof replica !== "string" || replica === self().replica || !Array.isArray(leases)) return;
    const announcement = { replica, schedules: String(schedules), leases, isNew, isLeaving };
    this.#awaited.get(replica)?.resolve(announcement);
    const before = this.#others.get(replica)?.announcement;
    if (isLeaving) this.#others.delete(replica);
    else this.#others.set(replica, { announcement, heardAt: clock.monotonic() });
    if (isNew) this.announce();
    const isSame = before?.schedules === announcement.schedules && !isLeaving &&
      before.leases.join() === leases.join();
    if (!isSame) onChange();
  }
}
