// What a page does while somebody scrolls, from the browser's own trace, which is left beside the pictures. Drawing is
// left out: here it is done by the processor, and by the graphics card where people are.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const work = new Set(["FireAnimationFrame", "EventDispatch", "FunctionCall", "UpdateLayoutTree", "Layout", "PrePaint", "MajorGC", "MinorGC"]);

/**
 * Scrolls by so many pixels in each frame. Returns how many milliseconds of work each frame had, the least first, and how
 * many frames the browser drew and dropped.
 */
export async function scrolled(page, { frames, step }) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const ended = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline", "disabled-by-default-devtools.timeline.frame"] } });
  await page.evaluate(async ([count, by]) => {
    for (let n = 0; n < count; n++) {
      window.scrollBy(0, by);
      await new Promise(requestAnimationFrame);
    }
  }, [frames, step]);
  await session.send("Tracing.end");
  await ended;
  writeFileSync(join(process.env.PORTAL_SHOTS, "scroll-trace.json"), JSON.stringify({ traceEvents: events }));
  const count = (name) => events.filter((event) => event.name === name).length;
  return { work: perFrame(events), drawn: count("DrawFrame"), dropped: count("DroppedFrame") };
}

function perFrame(events) {
  const drawn = events.filter((event) => event.name === "FireAnimationFrame").sort((a, b) => a.ts - b.ts);
  const done = events.filter((event) => event.ph === "X" && work.has(event.name) && event.tid === drawn[0]?.tid && event.pid === drawn[0]?.pid);
  done.sort((a, b) => a.ts - b.ts);
  const sums = drawn.map(() => 0);
  let frame = 0;
  let until = 0; // what lies within other work is counted with it
  for (const { ts, dur } of done) {
    while (drawn[frame + 1] && drawn[frame + 1].ts <= ts) frame++;
    sums[frame] += Math.max(0, ts + dur - Math.max(ts, until)) / 1000;
    until = Math.max(until, ts + dur);
  }
  return sums.sort((a, b) => a - b);
}
