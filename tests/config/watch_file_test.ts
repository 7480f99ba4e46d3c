/** A watched file, on a real file system; the clock's second takes 20 ms. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { type FileVersions, fileVersions, watchFiles } from "../../lib/config/watch_file.ts";
import { type Clock, systemClock } from "../../lib/time/clock.ts";
import { eventually } from "../helpers/eventually.ts";

const SECOND = 20;

async function withWatch(
  path: string,
  test: (changes: () => number, passSeconds: (count: number) => Promise<void>) => Promise<void>,
  since?: FileVersions,
) {
  let looks = 0;
  const clock: Clock = {
    ...systemClock,
    sleep(_, signal) {
      looks++;
      return systemClock.sleep(SECOND, signal);
    },
  };
  let changes = 0;
  const stop = new AbortController();
  const watching = watchFiles(() => [path], {
    clock,
    since: since ?? await fileVersions([path]),
    signal: stop.signal,
    onChange: () => void changes++,
  });
  const passSeconds = async (count: number) => {
    const until = looks + count;
    await eventually(`${count} looks at the file`, () => looks >= until);
  };
  try {
    await passSeconds(1);
    await test(() => changes, passSeconds);
  } finally {
    stop.abort();
    await watching;
  }
}

async function withDirectory(test: (directory: string) => Promise<void>) {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a file that is written anew is one change", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "s.yaml");
    await Deno.writeTextFile(path, "one");
    await withWatch(path, async (changes, passSeconds) => {
      await passSeconds(5);
      assert.equal(changes(), 0);
      await Deno.writeTextFile(path, "two and more");
      await passSeconds(5);
      assert.equal(changes(), 1);
    });
  });
});

Deno.test("a file that an editor replaces by a rename is one change, also when it was away", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "s.yaml");
    await Deno.writeTextFile(path, "one");
    await withWatch(path, async (changes, passSeconds) => {
      await Deno.writeTextFile(`${path}.new`, "two");
      await Deno.rename(`${path}.new`, path);
      await passSeconds(5);
      assert.equal(changes(), 1);
      await Deno.remove(path);
      await passSeconds(5);
      assert.equal(changes(), 1);
      await Deno.writeTextFile(path, "three");
      await passSeconds(5);
      assert.equal(changes(), 2);
    });
  });
});

Deno.test("a config map whose directory is swapped behind a link is one change", async () => {
  await withDirectory(async (directory) => {
    // As the kubelet does it: s.yaml -> ..data/s.yaml, ..data -> ..2026_1, then ..2026_2.
    for (const version of ["..2026_1", "..2026_2"]) {
      await Deno.mkdir(join(directory, version));
      await Deno.writeTextFile(join(directory, version, "s.yaml"), "same size");
    }
    await Deno.symlink("..2026_1", join(directory, "..data"));
    const path = join(directory, "s.yaml");
    await Deno.symlink("..data/s.yaml", path);
    await withWatch(path, async (changes, passSeconds) => {
      await Deno.symlink("..2026_2", join(directory, "..data_tmp"));
      await Deno.rename(join(directory, "..data_tmp"), join(directory, "..data"));
      await Deno.remove(join(directory, "..2026_1"), { recursive: true });
      await passSeconds(5);
      assert.equal(changes(), 1);
    });
  });
});

Deno.test("a file that is still being written is no change yet", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "s.yaml");
    await Deno.writeTextFile(path, "one");
    await withWatch(path, async (changes, passSeconds) => {
      for (let part = 0; part < 3; part++) {
        await Deno.writeTextFile(path, "more", { append: true });
        await passSeconds(1);
      }
      assert.equal(changes(), 0);
      await passSeconds(5);
      assert.equal(changes(), 1);
    });
  });
});

Deno.test("a file that changed before the watch began is one change", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "s.yaml");
    await Deno.writeTextFile(path, "one");
    const since = await fileVersions([path]);
    await Deno.writeTextFile(path, "two and more");
    await withWatch(path, async (changes, passSeconds) => {
      await passSeconds(5);
      assert.equal(changes(), 1);
    }, since);
  });
});

/** What a watch reports, each with the second of the watch; `act` is called before each look. */
async function reportsOf(
  path: string,
  seconds: number,
  act: (second: number) => Promise<void> | undefined,
): Promise<string[]> {
  const stop = new AbortController();
  let second = 0;
  const clock: Clock = {
    ...systemClock,
    async sleep() {
      if (++second > seconds) stop.abort();
      else await act(second);
    },
  };
  const reports: string[] = [];
  await watchFiles(() => [path], {
    clock,
    since: await fileVersions([path]),
    signal: stop.signal,
    onChange: ({ how }) => void reports.push(`${second} s: ${how}`),
  });
  return reports;
}

Deno.test("a file that is rewritten more often than once a second is read every 5 s, and said so", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "s.yaml");
    await Deno.writeTextFile(path, "");
    const reports = await reportsOf(path, 16, (second) => {
      if (second <= 12) return Deno.writeTextFile(path, "x".repeat(second));
    });
    assert.deepEqual(reports, ["5 s: unsettled", "10 s: unsettled", "13 s: settled"]);
  });
});

Deno.test("a file that is away for ten seconds is gone, which is one change, and its return another", async () => {
  for (
    const [how, leave] of Object.entries({
      "it is removed": (path: string) => Deno.remove(path),
      "its link leads nowhere": async (path: string) => {
        await Deno.remove(path);
        await Deno.symlink("nowhere", path);
      },
      "its directory is removed": (path: string) => Deno.remove(dirname(path), { recursive: true }),
    })
  ) {
    await withDirectory(async (directory) => {
      const path = join(directory, "config/s.yaml");
      const write = async () => {
        await Deno.mkdir(dirname(path), { recursive: true });
        await Deno.remove(path).catch(() => {});
        await Deno.writeTextFile(path, "one");
      };
      await write();
      const reports = await reportsOf(path, 40, (second) => {
        if (second === 3) return leave(path);
        if (second === 30) return write();
      });
      assert.deepEqual(reports, ["13 s: gone", "31 s: settled"], how);
    });
  }
});

Deno.test("a file that is back before ten seconds have passed was only replaced", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "s.yaml");
    const other = join(directory, "other.yaml");
    await Deno.writeTextFile(path, "one");
    const reports = await reportsOf(path, 30, (second) => {
      if (second === 3) return Deno.rename(path, other);
      if (second === 12) return Deno.writeTextFile(path, "two");
    });
    assert.deepEqual(reports, ["13 s: settled"]);
  });
});

Deno.test("of several files those that change together are one change, and one more is named later", async () => {
  await withDirectory(async (directory) => {
    const [config, module, later] = ["s.yaml", "m.js", "later.js"].map((name) =>
      join(directory, name)
    ) as [string, string, string];
    await Deno.writeTextFile(config, "one");
    await Deno.writeTextFile(later, "one");
    const named = [config, module]; // there is no module yet
    const stop = new AbortController();
    const at: Record<number, () => unknown> = {
      3: () => Deno.writeTextFile(module, "two"),
      4: () => Deno.writeTextFile(config, "two and more"),
      10: () => named.push(later),
      13: () => Deno.remove(module),
      20: () => Deno.writeTextFile(later, "two and more"),
      24: () => stop.abort(),
    };
    let second = 0;
    const clock: Clock = { ...systemClock, sleep: async () => void await at[++second]?.() };
    const changes: string[] = [];
    await watchFiles(() => named, {
      clock,
      since: await fileVersions([config]),
      signal: stop.signal,
      onChange: ({ path }) => void changes.push(`${second} s, ${path}`),
    });
    assert.deepEqual(changes, [`5 s, ${config}`, `21 s, ${later}`]);
  });
});

Deno.test("a system that does not say which file it is has the text tell versions apart", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "s.yaml");
    const { stat } = Deno;
    const written = new Date("2026-03-01T08:00:00Z");
    // Of one size, and of one time, as a copy that keeps it has.
    const write = async (text: string) => {
      await Deno.writeTextFile(path, text);
      await Deno.utime(path, written, written);
    };
    Deno.stat = async (path) => ({ ...await stat(path), dev: 0, ino: null, ctime: null });
    try {
      await write("one");
      await withWatch(path, async (changes, passSeconds) => {
        await passSeconds(5);
        assert.equal(changes(), 0);
        await write("two");
        await passSeconds(5);
        assert.equal(changes(), 1);
      });
    } finally {
      Deno.stat = stat;
    }
  });
});
