import { describe, expect, it } from "vitest";
import { endedShare } from "./share";
import { taskSubject } from "./subject";

describe("what a task is about", () => {
  it("is from where to where, for copies", () => {
    const extra_attrs = { src_resource: "a/b [2 item(s) in total]", dst_resource: "c/b" };
    expect(taskSubject({ extra_attrs })).toBe("a/b → c/b");
  });

  it("is what the task names, or nothing", () => {
    expect(taskSubject({ extra_attrs: { repository: "team/app", project: "team" } })).toBe(
      "team/app",
    );
    expect(taskSubject({ extra_attrs: { n: 1 } })).toBe("");
    expect(taskSubject({})).toBe("");
  });
});

describe("how much has ended", () => {
  it("counts what neither waits nor runs", () => {
    const none = { total: 0, waiting: 0, running: 0, stopped: 0, failed: 0, succeeded: 0 };
    expect(endedShare(none)).toBe(1);
    expect(endedShare({ ...none, total: 4, waiting: 1, running: 1, failed: 1, succeeded: 1 })).toBe(
      0.5,
    );
  });
});
