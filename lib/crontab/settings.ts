import type { CadenceTable } from "../config/config_cadences.ts";
import { shown } from "../config/config_problem.ts";
import { CrontabProblem } from "./problem.ts";
import type { CrontabVariable } from "./variable.ts";
import { plainScalar, quotedScalar } from "./yaml.ts";

/** About the mail that cron sends; the scheduler sends none. */
const MAIL = ["MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING"];
/** A key of YAML ends after 1024 characters, and each may take six. */
const LONGEST_NAME = 160;

/** In characters, all variables together: they go into every message, of which NATS takes one MiB. */
const LARGEST_ENVIRONMENT = 500_000;

/** The variables of a crontab, which hold for the lines that follow: the zone and the environment. */
export class CrontabSettings {
  readonly #fileZone: string;
  readonly #cadences: CadenceTable;
  #zone: string;
  #zoneProblem: string | null = null;
  readonly #variables = new Map<string, string>();
  #length = 0;
  #environment: string | null = null;

  /** @param fileZone the zone before any `CRON_TZ`, a valid one */
  constructor(fileZone: string, cadences: CadenceTable) {
    this.#fileZone = this.#zone = fileZone;
    this.#cadences = cadences;
  }

  /**
   * Takes over a setting.
   *
   * @returns a warning about one that is carried over with another meaning than it may seem to have
   * @throws {CrontabProblem} a warning where it cannot be carried over
   */
  set({ name, value }: CrontabVariable, column: number): CrontabProblem | null {
    const warning = (message: string) => new CrontabProblem("warning", message, column);
    if (name === "CRON_TZ") {
      this.#setZone(value);
      if (this.#zoneProblem !== null) throw warning(this.#zoneProblem);
      return null;
    }
    if (MAIL.includes(name)) {
      // MAILTO="" asks for no mail, which is what comes.
      if (value === "") return null;
      throw warning(`${name} ${shown(value)}: no mail is sent, so the worker must report`);
    }
    if (name === "RANDOM_DELAY") {
      throw warning(
        `RANDOM_DELAY ${shown(value)}: an entry is delayed by its own "jitter_seconds", in seconds`,
      );
    }
    if (name.length > LONGEST_NAME) {
      throw warning(`Variable ${shown(name)} is too long: at most ${LONGEST_NAME} characters`);
    }
    const length = this.#length + value.length -
      (this.#variables.get(name)?.length ?? -name.length);
    if (length > LARGEST_ENVIRONMENT) {
      throw warning(
        `Variable ${shown(name)} is too much: at most ${LARGEST_ENVIRONMENT} characters`,
      );
    }
    this.#length = length;
    this.#variables.set(name, value);
    this.#environment = null;
    if (name !== "TZ" || value === "") return null;
    return warning(
      `TZ ${shown(value)} is carried over for the commands only, as in cron: CRON_TZ, or ` +
        '"timezone" in the result, moves the times',
    );
  }

  /**
   * The zone that holds now.
   *
   * @throws {CrontabProblem} a warning where it is one that nobody here knows
   */
  timezone(column: number): string {
    if (this.#zoneProblem === null) return this.#zone;
    throw new CrontabProblem("warning", this.#zoneProblem, column);
  }

  /** The lines of `env` in a payload, or null where nothing is set. */
  environment(): string | null {
    if (this.#variables.size === 0) return null;
    return this.#environment ??= ["        env:"].concat(
      [...this.#variables].map(([name, value]) =>
        `          ${plainScalar(name)}: ${quotedScalar(value)}`
      ),
    ).join("\n");
  }

  #setZone(value: string): void {
    const name = value.replace(/^:/, ""); // as POSIX writes a name of the database
    this.#zone = name === "" ? this.#fileZone : name;
    this.#zoneProblem = this.#cadences.zoneProblem(this.#zone);
  }
}
