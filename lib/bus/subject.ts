/** Words joined by dots: https://docs.nats.io/nats-concepts/subjects */
const SUBJECT = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;
const PATTERN = /^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/;

/** Reports whether a message can be published to `subject`. */
export function isSubject(subject: string): boolean {
  return SUBJECT.test(subject);
}

/** @throws {TypeError} when `subject` is none that a message can be published to */
export function checkSubject(subject: string): void {
  if (isSubject(subject)) return;
  throw new TypeError(
    `Cannot publish to ${JSON.stringify(subject)}: a subject is words joined by dots, ` +
      "without spaces and wildcards",
  );
}

/** @throws {TypeError} if `pattern` or `queueGroup` is invalid */
export function checkPattern(pattern: string, queueGroup?: string): void {
  if (!PATTERN.test(pattern)) {
    throw new TypeError(
      `Cannot subscribe to ${JSON.stringify(pattern)}: a subject is words joined by dots, ` +
        'without spaces; "*" stands for one word, ">" at the end for the rest',
    );
  }
  if (queueGroup !== undefined && !/^\S+$/.test(queueGroup)) {
    throw new TypeError(
      `Cannot subscribe to "${pattern}" in queue group ${JSON.stringify(queueGroup)}: ` +
        "a name without spaces is wanted",
    );
  }
}

/** @throws {TypeError} when `domain` cannot be one of JetStream's */
export function checkDomain(domain: string | undefined): void {
  if (domain === undefined || /^[^\s.*>]+$/.test(domain)) return;
  throw new TypeError(
    `Cannot use ${JSON.stringify(domain)} as a domain of JetStream: expected one word without ` +
      "spaces, dots and wildcards",
  );
}

/** Whether a message on `subject` reaches a subscription to `pattern`. */
export function matches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  if (!pattern.includes("*") && !pattern.endsWith(">")) return false;
  const words = subject.split(".");
  const wanted = pattern.split(".");
  for (const [index, word] of wanted.entries()) {
    if (word === ">") return words.length > index;
    if (word !== "*" && word !== words[index]) return false;
  }
  return words.length === wanted.length;
}

/** Whether `pattern` matches each subject that `other`, a subject or a pattern, matches. */
export function covers(pattern: string, other: string): boolean {
  return matches(pattern, other) && (pattern.endsWith(">") || !other.endsWith(">"));
}
