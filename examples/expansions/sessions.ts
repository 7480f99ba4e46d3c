/**
 * A sample expansion: schedules.yaml names `active_sessions`, and when that entry is due one task
 * is published per object returned here, merged over the entry's payload.
 *
 * A real one would ask a database or a service. It may read its directory and use the network, and may be
 * async; it runs in a process of its own, so it can be slow without delaying any other entry.
 */
export function active_sessions({ scheduledFor }: { schedule: string; scheduledFor: string }) {
  return [
    { session_id: "s1", user: "ada", until: scheduledFor },
    { session_id: "s2", user: "grace", until: scheduledFor },
    { session_id: "s3", user: "edsger", until: scheduledFor },
  ];
}
