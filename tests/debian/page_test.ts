/** The page in a real browser. `SCREENSHOTS=<directory>` keeps what it looks like. */
import assert from "node:assert/strict";
import { chromium } from "../deps.ts";
import { eventually } from "../helpers/eventually.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program } from "../helpers/program.ts";

const CONFIG = `name: night-shift
timezone: Europe/Berlin
schedules:
  - name: heartbeat
    interval_seconds: 0.5
    dispatch_type: task
    task: { worker_type: health_checker }
  - name: nightly_summary
    description: For the early meeting
    labels: { team: reports }
    cron: "30 2 * * *"
    dispatch_type: goal
    goal: { instruction: "Summarize what came in since yesterday, by customer" }
  - name: sessions
    cron: "*/20 8-18 * * *"
    dispatch_type: goal
    goal: { instruction: Look after each session }
    expand_from: expansions.none.there
  - name: month_end
    cron: "0 6 L * *"
    dispatch_type: task
    task: { worker_type: billing }
  - name: switched_off
    cron: "0 * * * *"
    enabled: false
    dispatch_type: task
    task: { worker_type: nobody }
`;

type Browser = Awaited<ReturnType<typeof chromium.launch>>;
type Page = Awaited<ReturnType<Browser["newPage"]>>;

interface Site {
  program: Program;
  url: string;
  path: string;
  browser: Browser;
  /** Opens the page, and waits until it shows the entries. */
  open(options?: Parameters<Browser["newPage"]>[0]): Promise<Page>;
  /** What the browser complained of. */
  complaints: string[];
}

async function withPage(
  args: string[],
  test: (site: Site) => Promise<void>,
  { config = CONFIG, files = {} }: { config?: string; files?: Record<string, string> } = {},
) {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, config);
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
  }
  const bus = args.includes("--nats-url") ? [] : ["--bus", "memory"];
  await using program = new Program([
    ...["--config", path, ...bus, "--http", "0", "--watch-config"],
    ...args,
  ]);
  const url = String((await program.logged("http.listening")).url);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  const complaints: string[] = [];
  try {
    await test({
      program,
      url,
      path,
      browser,
      complaints,
      open: async (options) => {
        const page = await browser.newPage(options);
        page.on("console", (message) => {
          if (message.type() === "error") complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(String(error)));
        await page.goto(url);
        await page.waitForSelector("#rows tr");
        return page;
      },
    });
  } finally {
    await browser.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const rowOf = (page: Page, name: string) =>
  page.locator("#rows tr").filter({ has: page.getByRole("rowheader", { name }) });

const shows = async (page: Page, name: string, pattern: RegExp) =>
  await eventually(`${name} shows ${pattern}`, async () => {
    return pattern.test(await rowOf(page, name).innerText());
  });

Deno.test("the page shows what is due and what happened, and keeps up with it", async () => {
  await withPage([], async ({ open, complaints }) => {
    const page = await open();
    assert.equal(await page.title(), "night-shift – heddle-scheduler");
    assert.match(await page.locator("#state").innerText(), /running for .* · connected/);
    await shows(page, "heartbeat", /in \d+ ms[\s\S]*dispatched/);
    await shows(
      page,
      "nightly_summary",
      /For the early meeting \[team=reports\]\s+goal: Summarize what came in[\s\S]*in \d+/,
    );
    await shows(page, "switched_off", /disabled/);
    const fired = async () => {
      const cell = await rowOf(page, "heartbeat").locator("td").nth(5).innerText();
      return Number(cell.split(" / ")[0]);
    };
    const before = await fired();
    await eventually("it counts on", async () => await fired() > before + 2);
    assert.match(await page.locator("#day-text").innerText(), /last 24 hours \d+ fired.*are due/);
    assert.equal(await page.locator("button:visible").count(), 1); // the theme: it is read-only
    assert.deepEqual(complaints, []);
  });
});

Deno.test("a filter shows what it names, a theme stays chosen, and it fits a phone", async () => {
  await withPage(["--http-control"], async ({ open, complaints }) => {
    const phone = await open({ viewport: { width: 375, height: 700 } });
    const overflow = () =>
      phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert.equal(await overflow(), 0);
    await phone.getByLabel("Filter").fill("MONTH");
    await eventually("one row is left", async () => await phone.locator("#rows tr").count() === 1);
    assert.equal(await phone.locator("#shown").innerText(), "1 of 5");
    await phone.getByRole("button", { name: "Theme" }).click();
    await phone.getByRole("button", { name: "Theme" }).click();
    const background = () => phone.evaluate("getComputedStyle(document.body).backgroundColor");
    assert.equal(await background(), "rgb(20, 23, 28)");
    await phone.reload();
    await phone.waitForSelector("#rows tr");
    assert.equal(await background(), "rgb(20, 23, 28)");
    assert.deepEqual(complaints, []);
  });
});

Deno.test("with --http-control people fire, pause and resume, by the keyboard too", async () => {
  await withPage(["--http-control"], async ({ open, program, complaints }) => {
    const page = await open();
    page.on("dialog", (dialog) => dialog.accept());
    const result = (pattern: RegExp) =>
      eventually(`it says ${pattern}`, async () => {
        return pattern.test(await page.locator("#result").innerText());
      });
    await page.getByRole("button", { name: "Fire month_end now" }).click();
    await result(/^Fired month_end: 1 messages?$/);
    await shows(page, "month_end", /dispatched/);
    assert.equal(
      program.log("scheduler.firing").filter((each) => each.schedule === "month_end").length,
      1,
    );

    await page.getByRole("button", { name: "Fire sessions now" }).click();
    await result(/expansions\.none\.there/);
    await shows(page, "sessions", /failed/);
    assert.match(complaints.splice(0).join("\n"), /^[^\n]*409 \(Conflict\)$/);

    const pause = page.getByRole("button", { name: "Pause heartbeat" });
    await pause.focus();
    await page.keyboard.press("Enter");
    await result(/^Paused heartbeat, until the scheduler ends$/);
    await shows(page, "heartbeat", /paused/);
    // The row was drawn anew meanwhile; the focus is where it was.
    assert.equal(
      await page.evaluate("document.activeElement.getAttribute('aria-label')"),
      "Resume heartbeat",
    );
    await page.keyboard.press("Enter");
    await result(/^Resumed heartbeat$/);
    await page.getByRole("button", { name: "Pause switched_off" }).click();
    await shows(page, "switched_off", /disabled, paused/);
    await page.getByRole("button", { name: "Resume switched_off" }).click();
    await result(/^Resumed switched_off$/);
    await shows(page, "switched_off", /disabled\s/);
    await page.getByRole("button", { name: "Pause all" }).click();
    await shows(page, "nightly_summary", /paused/);
    await page.getByRole("button", { name: "Resume all" }).click();
    await shows(page, "nightly_summary", /in \d+/);
    assert.deepEqual(complaints, []);
  });
});

const SLOW = `name: night-shift
schedules:
  - name: slow
    cron: "0 4 * * *"
    expand_from: ./slow.js#list
    dispatch_type: task
    task: { worker_type: w }
`;
const FILES = {
  "slow.js": `export const list = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return [{}];
  };`,
};

Deno.test("what is fired is seen at once, and cannot be fired again before it has ended", async () => {
  await withPage(["--http-control"], async ({ open, program, complaints }) => {
    const page = await open();
    page.on("dialog", (dialog) => dialog.accept());
    const fire = page.getByRole("button", { name: "Fire slow now" });
    await fire.focus();
    await page.keyboard.press("Enter");
    await eventually("it says so", async () => {
      return /^Firing slow …$/.test(await page.locator("#result").innerText());
    });
    assert.equal(await fire.innerText(), "Firing …");
    assert.equal(await fire.isDisabled(), true);
    for (let click = 0; click < 3; click++) await fire.click({ force: true, timeout: 1000 });
    await eventually("it is done", async () => {
      return /^Fired slow: 1 messages?$/.test(await page.locator("#result").innerText());
    });
    assert.equal(await fire.isDisabled(), false);
    assert.equal(await fire.innerText(), "Fire");
    const focused = await page.evaluate("document.activeElement.getAttribute('aria-label')");
    assert.equal(focused, "Fire slow now");
    await program.logged("scheduler.task_dispatched");
    assert.equal(program.log("scheduler.task_dispatched").length, 1);
    assert.deepEqual(complaints, []);
  }, { config: SLOW, files: FILES });
});

Deno.test("while there is no connection nothing can be fired by the page", async () => {
  await using server = await startNatsServer();
  await withPage(["--http-control", "--nats-url", server.url], async ({ open, program }) => {
    const page = await open();
    page.on("dialog", (dialog) => dialog.accept());
    const fire = page.getByRole("button", { name: "Fire month_end now" });
    await eventually("it can be fired", () => fire.isEnabled());
    await server.kill();
    await program.logged("bus.disconnected");
    await eventually("it cannot be fired", () => fire.isDisabled());
    for (let click = 0; click < 3; click++) await fire.click({ force: true, timeout: 1000 });
    await server.start();
    await program.logged("bus.reconnected");
    await eventually("it can be fired again", () => fire.isEnabled());
    const fired = () =>
      program.log("scheduler.firing").filter((each) => each.schedule === "month_end").length;
    assert.equal(fired(), 0);
    await fire.click();
    await eventually("it is fired", () => fired() > 0);
    assert.equal(fired(), 1);
  });
});

Deno.test("a reload that is refused is told, with its problems, until it is mended", async () => {
  await withPage([], async ({ open, path, program }) => {
    const page = await open();
    await Deno.writeTextFile(path, CONFIG.replace("0 6 L * *", "0 26 L * *"));
    await program.logged("actor.reload_failed");
    await eventually("it says so", () => page.locator("#trouble").isVisible());
    assert.match(await page.locator("#trouble").innerText(), /was refused[\s\S]*20:.*"0 26 L/);
    await Deno.writeTextFile(path, CONFIG);
    await eventually("it says so no more", async () => !await page.locator("#trouble").isVisible());
  });
});

Deno.test("a page says that the scheduler is gone, and finds it again", async () => {
  await withPage([], async ({ open, program, url, path }) => {
    const page = await open();
    const state = (pattern: RegExp) =>
      eventually(`it says ${pattern}`, async () => {
        return pattern.test(await page.locator("#state").innerText());
      }, 15_000);
    program.kill("SIGKILL");
    await state(/does not answer/);
    const { port } = new URL(url);
    await using again = new Program(["--config", path, "--bus", "memory", "--http", port]);
    await again.logged("http.listening");
    await state(/running for/);
  });
});

Deno.test("every control has a name, every picture a text, and colours contrast", async () => {
  await withPage(["--http-control"], async ({ open }) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await open({ colorScheme });
      await shows(page, "heartbeat", /dispatched/);
      const named = (role: "button" | "searchbox", name = /\S/) =>
        page.getByRole(role, { name }).count();
      assert.equal(await named("button"), await page.locator("button").count());
      assert.equal(await named("searchbox", /Filter/), await page.locator("input").count());
      assert.equal(await page.getByRole("columnheader").count(), 8);
      const ratios = await page.evaluate(CONTRASTS) as { text: string; ratio: number }[];
      assert.ok(ratios.length > 20);
      // WCAG 2.2, 1.4.3.
      assert.deepEqual(ratios.filter(({ ratio }) => ratio < 4.5), []);
      await page.close();
    }
  });
});

/** The contrast of each visible text with what is behind it. */
const CONTRASTS = `
  (() => {
    const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
      const [r, g, b] = rgb(colour).map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
      for (let each = node; each; each = each.parentElement) {
        const colour = getComputedStyle(each).backgroundColor;
        if (rgb(colour)[3] !== 0) return colour;
      }
      return "rgb(255, 255, 255)";
    };
    return [...document.querySelectorAll("body *")]
      .filter((node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim()))
      .filter((node) => node.checkVisibility() && !["SCRIPT", "STYLE"].includes(node.tagName))
      .map((node) => {
        const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return { text: node.textContent.trim().slice(0, 40), ratio };
      });
  })()
`;

Deno.test("the page is small, and asks nobody but the scheduler for anything", async () => {
  await withPage([], async ({ url, open, browser }) => {
    const source = await (await fetch(url)).text();
    assert.ok(new TextEncoder().encode(source).length < 60_000);
    assert.doesNotMatch(source.replace("http://www.w3.org/2000/svg", ""), /https?:\/\//);
    const context = await browser.newContext();
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(url);
    await page.waitForSelector("#rows tr");
    assert.deepEqual(
      asked.filter((each) => !each.startsWith(url) && !each.startsWith("data:")),
      [],
    );
    await context.close();
    await (await open()).close();
  });
});

Deno.test("its looks", async () => {
  const directory = Deno.env.get("SCREENSHOTS");
  await withPage(["--http-control"], async ({ open, path, program }) => {
    await program.logged("scheduler.task_dispatched", 8);
    for (const colorScheme of ["light", "dark"] as const) {
      for (const [name, width] of [["wide", 1280], ["phone", 375]] as const) {
        const page = await open({ colorScheme, viewport: { width, height: 900 } });
        await shows(page, "heartbeat", /dispatched/);
        const picture = await page.screenshot({ fullPage: true });
        assert.ok(picture.length > 10_000);
        if (directory) await Deno.writeFile(`${directory}/${name}-${colorScheme}.png`, picture);
        await page.close();
      }
    }
    await Deno.writeTextFile(path, CONFIG.replace("0 6 L * *", "0 26 L * *"));
    await program.logged("actor.reload_failed");
    const page = await open({ viewport: { width: 1280, height: 900 } });
    await eventually("it says so", () => page.locator("#trouble").isVisible());
    if (directory) await page.screenshot({ path: `${directory}/trouble.png`, fullPage: true });
  });
});
