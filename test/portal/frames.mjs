// How a page keeps up with somebody who scrolls, from the browser's own trace, which is left beside the pictures.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Scrolls down as a wheel does, so many pixels at so many pixels a second. Returns how many frames the browser drew; how
 * many it dropped, so that the screen stood still; in how many the page had moved and its program was late to add to it;
 * and how often the middle of the window was empty, as nothing that `filled` selects was there yet.
 */
export async function scrolled(page, { distance, speed, filled }) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const ended = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await page.evaluate(watch, filled);
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline", "disabled-by-default-devtools.timeline.frame"] } });
  const { width, height } = page.viewportSize();
  await session.send("Input.synthesizeScrollGesture", { x: width / 2, y: height / 2, yDistance: -distance, speed, preventFling: true, gestureSourceType: "mouse" });
  await session.send("Tracing.end");
  await ended;
  writeFileSync(join(process.env.PORTAL_SHOTS, "scroll-trace.json"), JSON.stringify({ traceEvents: events }));
  const missed = events.filter((event) => event.name === "DroppedFrame");
  const late = missed.filter((event) => event.args.hasPartialUpdate).length;
  const drawn = events.filter((event) => event.name === "DrawFrame").length;
  return { drawn, dropped: missed.length - late, late, empty: await page.evaluate(() => window.emptySeen) };
}

/** Looks before the page hears that it was scrolled: what is there then is what the browser has just shown. */
function watch(filled) {
  window.emptySeen = 0;
  const look = () => {
    const middle = document.elementFromPoint(window.innerWidth / 2, window.innerHeight / 2);
    if (!middle?.closest(filled)) window.emptySeen++;
  };
  window.addEventListener("scroll", look, { capture: true });
}
