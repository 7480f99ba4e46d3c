import assert from "node:assert/strict";
import type { Job } from "../../lib/engine/job.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";
import { ALONE, JobTable } from "../../lib/engine/job_table.ts";
import { TimerLoop } from "../../lib/engine/timer_loop.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { testClock } from "../helpers/test_clock.ts";
import { START, withLoop } from "./with_loop.ts";

Deno.test("an interval first fires one interval after the start, then on its own grid", async () => {
  await withLoop([intervalEntry("a", 1.5)], async ({ clock, fired }) => {
    await clock.advance(1499);
    assert.deepEqual(fired(), []);
    await clock.advance(4501);
    assert.deepEqual(fired(), ["a@1.5", "a@3", "a@4.5", "a@6"]);
  });
});

Deno.test("run_on_start fires at once too, and the grid counts from the start", async () => {
  await withLoop([intervalEntry("a", 10, { runOnStart: true })], async ({ clock, fired }) => {
    await clock.advance(10_000);
    assert.deepEqual(fired(), ["a@0", "a@10"]);
  });
});

Deno.test("a cron entry fires at its instants and at no other", async () => {
  await withLoop([cronEntry("a", "*/2 * * * *")], async ({ clock, fired }) => {
    await clock.advance(360_000);
    assert.deepEqual(fired(), ["a@120", "a@240", "a@360"]);
  });
});

Deno.test("what is due at the same instant fires in file order", async () => {
  const entries = [intervalEntry("c", 2), intervalEntry("a", 1), intervalEntry("b", 2)];
  await withLoop(entries, async ({ clock, fired }) => {
    await clock.advance(2000);
    assert.deepEqual(fired(), ["a@1", "c@2", "a@2", "b@2"]);
  });
});

Deno.test("a clock set back five seconds fires nothing twice", async () => {
  await withLoop([cronEntry("a", "* * * * * *")], async ({ clock, fired, log }) => {
    await clock.advance(3000);
    clock.jump(-5000);
    await clock.advance(7000);
    assert.deepEqual(fired(), ["a@1", "a@2", "a@3", "a@4", "a@5"]);
    assert.deepEqual(log.of("scheduler.clock_jumped").map(({ fields }) => fields.jump_ms), [-5000]);
  });
});

for (const back of [5_000, 3_600_000, 86_400_000]) {
  Deno.test(`an interval keeps its spacing when the clock is set back ${back} ms`, async () => {
    await withLoop([intervalEntry("a", 10)], async ({ clock, dues }) => {
      await clock.advance(30_000);
      clock.jump(-back);
      await clock.advance(30_500);
      assert.equal(dues.length, 6);
      assert.equal(new Set(dues.map((due) => due.scheduledFor.getTime())).size, 6);
    });
  });
}

Deno.test("a clock set forward is noticed within a second, as one late occurrence", async () => {
  await withLoop([cronEntry("a", "0 * * * *")], async ({ clock, dues, fired }) => {
    await clock.advance(500);
    clock.jump(5.5 * 3_600_000);
    await clock.advance(1000);
    assert.deepEqual(fired(), [`a@${5 * 3600}`]);
    assert.equal(dues[0]!.passedOverSince?.toISOString(), "2026-01-01T01:00:00.000Z");
    await clock.advance(1_800_000);
    assert.deepEqual(fired(), [`a@${5 * 3600}`, `a@${6 * 3600}`]);
  });
});

Deno.test("intervals that passed while the machine slept fire once, then keep their grid", async () => {
  await withLoop([intervalEntry("a", 300)], async ({ clock, fired }) => {
    clock.jump(8 * 3_600_000 + 10_000);
    await clock.advance(1000);
    assert.deepEqual(fired(), ["a@28800"]);
    await clock.advance(300_000);
    assert.deepEqual(fired(), ["a@28800", "a@29100"]);
  });
});

Deno.test("start_at and end_at bound an entry, both included", async () => {
  const bounds = {
    startAt: new Date("2026-01-01T00:02:00Z"),
    endAt: new Date("2026-01-01T00:04:00Z"),
  };
  await withLoop([cronEntry("a", "* * * * *", bounds)], async ({ clock, fired, log }) => {
    await clock.advance(600_000);
    assert.deepEqual(fired(), ["a@120", "a@180", "a@240"]);
    assert.equal(log.of("scheduler.schedule_exhausted").length, 1);
  });
});

Deno.test("an entry that is not enabled is never due", async () => {
  await withLoop(
    [intervalEntry("a", 1, { enabled: false })],
    async ({ clock, fired, nextFires }) => {
      await clock.advance(5000);
      assert.deepEqual(fired(), []);
      assert.deepEqual(nextFires(), [null]);
    },
  );
});

Deno.test("jitter delays within its limit, never past the next occurrence, always the same", async () => {
  const entries = ["a", "b", "c", "d"].map((name) => intervalEntry(name, 5, { jitterSeconds: 60 }));
  const runs: number[][] = [];
  for (let run = 0; run < 2; run++) {
    await withLoop(entries, async ({ clock, dues }) => {
      await clock.advance(50_000);
      const delays = dues.map(({ fireAt, scheduledFor }) => fireAt - scheduledFor.getTime());
      assert.ok(delays.every((delay) => delay >= 0 && delay < 5000), String(delays));
      assert.ok(new Set(delays).size > delays.length / 2, "spread");
      const keys = dues.map(({ entry, scheduledFor }) => `${entry.name} ${+scheduledFor}`);
      assert.equal(new Set(keys).size, keys.length);
      runs.push(delays);
    });
  }
  assert.deepEqual(runs[0], runs[1]);
});

Deno.test("one entry that throws does not stop the others, nor itself", async () => {
  const onDue = (job: Job) => {
    if (job.name === "bad") throw new Error("boom");
  };
  const entries = [intervalEntry("bad", 1), intervalEntry("good", 1)];
  await withLoop(entries, async ({ clock, fired, log }) => {
    await clock.advance(2000);
    assert.deepEqual(fired(), ["bad@1", "good@1", "bad@2", "good@2"]);
    assert.equal(log.of("scheduler.dispatch_error").length, 2);
  }, { onDue });
});

Deno.test("a cron that runs out retires its entry and says so; the others go on", async () => {
  const entries = [cronEntry("once", "30 0 0 1 1 * 2026"), intervalEntry("on", 40)];
  await withLoop(entries, async ({ clock, fired, log, nextFires }) => {
    await clock.advance(80_000);
    assert.deepEqual(fired(), ["once@30", "on@40", "on@80"]);
    assert.deepEqual(
      log.of("scheduler.schedule_exhausted").map(({ fields }) => fields.schedule),
      ["once"],
    );
    assert.equal(nextFires()[0], null);
  });
});

Deno.test("a reload each minute does not starve a five-minute interval", async () => {
  const entry = intervalEntry("a", 300);
  await withLoop([entry], async ({ clock, load, fired }) => {
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance(60_000);
      await load([{ ...entry }]);
    }
    await clock.advance(0);
    assert.deepEqual(fired(), ["a@300", "a@600"]);
  });
});

Deno.test("a reload adds, removes and re-times", async () => {
  const entries = [
    intervalEntry("keep", 10),
    intervalEntry("drop", 10),
    intervalEntry("change", 10),
  ];
  await withLoop(entries, async ({ clock, load, fired }) => {
    await clock.advance(15_000);
    await load([
      intervalEntry("change", 7),
      intervalEntry("new", 3),
      intervalEntry("keep", 10),
    ]);
    await clock.advance(7_000);
    assert.deepEqual(fired().slice(0, 3), ["keep@10", "drop@10", "change@10"]);
    assert.deepEqual(fired().slice(3), ["new@18", "keep@20", "new@21", "change@22"]);
  });
});

Deno.test("a reload after the clock was set back fires nothing twice", async () => {
  await withLoop([cronEntry("a", "* * * * * *")], async ({ clock, load, fired }) => {
    await clock.advance(3000);
    clock.jump(-2000);
    await load([cronEntry("a", "*/1 * * * * *")]);
    await clock.advance(3000);
    assert.deepEqual(fired(), ["a@1", "a@2", "a@3", "a@4"]);
  });
});

Deno.test("a due time further away than 2^31 ms is reached, not overflowed", async () => {
  await withLoop([intervalEntry("a", 40 * 86_400)], async ({ clock, fired }) => {
    clock.jump(40 * 86_400_000 - 5_000);
    await clock.advance(4_000);
    assert.deepEqual(fired(), []);
    await clock.advance(1_000);
    assert.deepEqual(fired(), ["a@3456000"]);
  });
});

Deno.test("what is due next is named shortly before, once, and fires with that name", async () => {
  const named: string[] = [];
  const entries = [cronEntry("a", "*/2 * * * *"), cronEntry("b", "* * * * *")];
  await withLoop(
    entries,
    async ({ clock, dues, load }) => {
      await clock.advance(58_000);
      assert.deepEqual(named, []);
      await clock.advance(1500);
      await load(entries); // which wakes it once more before the minute
      await clock.advance(500);
      assert.deepEqual(named, ["b 2026-01-01T00:01:00.000Z"]);
      await clock.advance(60_000);
      assert.deepEqual(named.slice(1).sort(), [
        "a 2026-01-01T00:02:00.000Z",
        "b 2026-01-01T00:02:00.000Z",
      ]);
      assert.deepEqual(dues.map(({ identity }) => identity?.messageId), [
        "b 2026-01-01T00:01:00.000Z",
        "a 2026-01-01T00:02:00.000Z",
        "b 2026-01-01T00:02:00.000Z",
      ]);
    },
    {
      nameAhead: (job, scheduledFor) => {
        const at = new Date(scheduledFor).toISOString();
        const messageId = `${job.name} ${at}`;
        named.push(messageId);
        return { scheduledFor: at, id: messageId, messageId };
      },
    },
  );
});

Deno.test("a loop that is told to end just after a reload woke it ends at once", async () => {
  const clock = testClock(START);
  const table = new JobTable({ clock, logger: new LogRecorder() });
  const loop = new TimerLoop({ clock, logger: new LogRecorder(), table, onDue: () => {} });
  const load = async (name: string) => {
    table.swap(await table.prepare([intervalEntry(name, 60)], ALONE), ALONE);
    loop.wake();
  };
  await load("a");
  const stop = new AbortController();
  let isOver = false;
  const running = loop.run(stop.signal).then(() => isOver = true);
  await clock.advance(100);
  await load("b");
  stop.abort();
  await clock.advance(0);
  assert.ok(isOver, "without waiting for its next look at the clock");
  await running;
});
