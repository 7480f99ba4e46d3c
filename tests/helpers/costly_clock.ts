/**
 * Loaded before the program: each look at the monotonic clock takes so long that work on
 * a thousand entries takes as long as on a hundred thousand, and pauses as often.
 *
 * @module
 */
const COST_MS = 0.4;

const look = performance.now.bind(performance);

performance.now = () => {
  const end = look() + COST_MS;
  let now = look();
  while (now < end) now = look();
  return now;
};
