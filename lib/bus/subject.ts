/** Words joined by dots: https://docs.nats.io/nats-concepts/subjects */
const SUBJECT = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;
const PATTERN = /^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/;

/** @throws {TypeError} if a message cannot be published to `subject` */
export function checkSubject(subject: string): void {
  if (SUBJECT.test(subject)) return;
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

/** Reports whether a message on `subject` reaches a subscription to `pattern`. */
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
