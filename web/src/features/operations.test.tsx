import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { json, refusal, renderPortal, serve } from "../test/render";

const person = {
  user_id: 3,
  username: "alice",
  realname: "",
  sysadmin_flag: false,
  password_generated: false,
};
const alice = () => json({ user: person });
const admin = () => json({ user: { ...person, username: "admin", sysadmin_flag: true } });
const idle = () => json({ executions: [], more: false });

const execution = (id: number, status: string, more = {}) => ({
  id,
  vendor_type: "REPLICATION",
  vendor_id: 4,
  trigger: "MANUAL",
  started_by: "admin",
  status,
  tasks: { total: 2, waiting: 1, running: 1, stopped: 0, failed: 0, succeeded: 0 },
  creation_time: "2026-01-01T00:00:00Z",
  ...more,
});

/** Stands in for a stream: a test says what comes. */
class Stream extends EventTarget {
  static readonly CLOSED = 2;
  static opened: Stream[] = [];
  onerror: (() => void) | null = null;
  readyState = 1;
  constructor(readonly url: string) {
    super();
    Stream.opened.push(this);
  }
  close() {
    this.readyState = 2;
  }
  tell(kind: string, data: string, lastEventId = "1") {
    act(() => void this.dispatchEvent(new MessageEvent(kind, { data, lastEventId })));
  }
  refuse() {
    this.readyState = 2;
    act(() => this.onerror?.());
  }
}

beforeEach(() => {
  Stream.opened = [];
  vi.stubGlobal("EventSource", Stream);
});
afterEach(() => vi.unstubAllGlobals());

const base = "/api/haven/v1/jobs/executions/9";
const task = { id: 21, execution_id: 9, vendor_type: "REPLICATION", runs: 1, failures: 0 };

describe("work that goes on", () => {
  it("is told live, and the stream is closed at its end", async () => {
    serve({
      "GET /c/session": admin,
      "GET /api/haven/v1/jobs/underway": idle,
      [`GET ${base}`]: () => json(execution(9, "Running")),
      [`GET ${base}/tasks`]: () => json([{ ...task, status: "Running" }]),
    });
    renderPortal("/jobs/9");
    expect(await screen.findByText("1 running, 1 waiting")).toBeTruthy();
    await waitFor(() => expect(Stream.opened.length).toBe(1));
    const [stream] = Stream.opened;
    expect(stream?.url).toBe(`${base}/watch`);
    await screen.findByText("21");
    stream?.tell("task", JSON.stringify({ ...task, status: "Error", status_message: "no room" }));
    expect(await screen.findByText("no room")).toBeTruthy();
    const tasks = { total: 2, waiting: 0, running: 0, stopped: 0, failed: 1, succeeded: 1 };
    stream?.tell("execution", JSON.stringify(execution(9, "Error", { tasks })));
    expect(await screen.findByText("1 done, 1 failed")).toBeTruthy();
    await waitFor(() => expect(stream?.readyState).toBe(2));
    expect(screen.queryByRole("button", { name: "Stop work" })).toBeNull();
    expect(screen.getByRole("button", { name: "Retry failed tasks" })).toBeTruthy();
  });

  it("is asked for where no stream gets through, and the page says so", async () => {
    serve({
      "GET /c/session": admin,
      "GET /api/haven/v1/jobs/underway": idle,
      [`GET ${base}`]: () => json(execution(9, "Running")),
      [`GET ${base}/tasks`]: () => json([]),
    });
    renderPortal("/jobs/9");
    await waitFor(() => expect(Stream.opened.length).toBe(1));
    Stream.opened[0]?.refuse();
    expect(await screen.findByText(/this page looks every two seconds/)).toBeTruthy();
  });

  it("shows a log as it comes, once each line", async () => {
    serve({
      "GET /c/session": admin,
      "GET /api/haven/v1/jobs/underway": idle,
      [`GET ${base}`]: () => json(execution(9, "Success")),
      [`GET ${base}/tasks`]: () => json([{ ...task, status: "Success" }]),
    });
    renderPortal("/jobs/9");
    fireEvent.click(await screen.findByRole("button", { name: "Show log of task 21" }));
    await waitFor(() => expect(Stream.opened.length).toBe(1));
    const [stream] = Stream.opened;
    stream?.tell("log", "copied a layer", "15");
    stream?.tell("log", "copied a layer", "15");
    stream?.tell("end", "Success", "15");
    expect(await screen.findByText("That is all")).toBeTruthy();
    expect(screen.getAllByText(/copied a layer/).length).toBe(1);
    expect(screen.getByText(/copied a layer/).textContent).toBe("copied a layer\n");
  });
});

describe("the ring", () => {
  it("shows one's own work with Stop and no way to what one may not see", async () => {
    let going = [execution(5, "Running", { vendor_type: "IMAGE_SCAN" })];
    const asked = serve({
      "GET /c/session": alice,
      "GET /api/v2.0/projects": () => json([]),
      "GET /api/v2.0/systeminfo": () => json({ project_creation_restriction: "everyone" }),
      "GET /api/haven/v1/jobs/underway": () => json({ executions: going, more: false }),
      "POST /api/haven/v1/jobs/executions/5/stop": () => {
        going = [];
        return new Response(null);
      },
      "GET /api/haven/v1/jobs/executions/5": () =>
        json(
          execution(5, "Stopped", { vendor_type: "IMAGE_SCAN", end_time: "2026-01-01T00:00:00Z" }),
        ),
    });
    renderPortal("/");
    fireEvent.click(await screen.findByRole("button", { name: "Background work: 1" }));
    expect(await screen.findByText("Scan of an image")).toBeTruthy();
    expect(screen.queryByRole("link", { name: "All work" })).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Stop Scan of an image 5" }));
    expect(await screen.findByText("Ended lately")).toBeTruthy();
    expect(await screen.findByText("Stopped")).toBeTruthy();
    expect(asked.some((each) => each.headers.get("X-Harbor-No-Session-Renewal"))).toBe(true);
  });
});

describe("places for administrators", () => {
  it("are refused to others in words, without asking the server", async () => {
    const asked = serve({ "GET /c/session": alice, "GET /api/haven/v1/jobs/underway": idle });
    for (const path of ["/jobs", "/replication", "/security"]) renderPortal(path);
    await waitFor(() => expect(screen.getAllByText(/for administrators/).length).toBe(3));
    const apis = asked.map((each) => new URL(each.url).pathname);
    expect(new Set(apis)).toEqual(
      new Set(["/c/session", "/api/v2.0/systeminfo", "/api/haven/v1/jobs/underway"]),
    );
  });
});

describe("security", () => {
  it("shows findings by severity, each a way to them, and every place of one", async () => {
    const summary = {
      critical_cnt: 2,
      high_cnt: 0,
      medium_cnt: 5,
      low_cnt: 0,
      unknown_cnt: 0,
      total_vuls: 7,
      scanned_cnt: 1,
      total_artifact: 3,
      fixable_cnt: 1,
      dangerous_cves: [
        {
          cve_id: "CVE-2026-1",
          severity: "Critical",
          cvss_score_v3: 9,
          package: "a",
          version: "1",
        },
      ],
      dangerous_artifacts: [],
    };
    serve({
      "GET /c/session": admin,
      "GET /api/haven/v1/jobs/underway": idle,
      "GET /api/v2.0/security/summary": () => json(summary),
    });
    renderPortal("/security");
    const link = await screen.findByRole("link", { name: "2 findings of the severity Critical" });
    expect(link.getAttribute("href")).toBe("/security?tab=findings&severity=Critical");
    expect(screen.getByText("1 of 3 artifacts scanned")).toBeTruthy();
    const cve = screen.getByRole("link", { name: "CVE-2026-1" });
    expect(cve.getAttribute("href")).toBe("/security/cve/CVE-2026-1");
    expect(screen.getByText("9.0")).toBeTruthy();
  });

  it("goes on where there are too many findings to be counted", async () => {
    const found = Array.from({ length: 20 }, (_, i) => ({
      cve_id: `CVE-2026-${i}`,
      severity: "High",
      repository_name: "team/app",
      digest: `sha256:${"a".repeat(64)}`,
      package: "a",
      version: "1",
      fixed_version: "2",
      tags: ["1.0"],
    }));
    serve({
      "GET /c/session": admin,
      "GET /api/haven/v1/jobs/underway": idle,
      "GET /api/v2.0/security/vul": () => json(found, { headers: { "X-Total-Count": "-1" } }),
    });
    renderPortal("/security?tab=findings");
    expect(await screen.findByText("More than 1000 findings")).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Next" }).disabled).toBe(false);
    expect(screen.getAllByRole("link", { name: "team/app:1.0" }).length).toBe(20);
  });
});

describe("the audit log", () => {
  it("says so when it can't be read", async () => {
    serve({
      "GET /c/session": alice,
      "GET /api/haven/v1/jobs/underway": idle,
      "GET /api/v2.0/auditlog-exts": () => refusal(500, "UNKNOWN", "broken"),
    });
    renderPortal("/audit");
    expect((await screen.findByRole("alert")).textContent).toContain("request-17");
  });
});
