import { describe, expect, it } from "vitest";
import { outcomes, retained } from "./log";

const log = `2026-11-30T04:30:00Z [INFO] Run retention process. Repository: team/app, rule algorithm: or, dry run: false
2026-11-30T04:30:00Z [INFO] rule 1 (latestPushedK) retains 4
2026-11-30T04:30:00Z [INFO] | Digest | Tag | Kind | PushedTime | LastUse | Retention |
2026-11-30T04:30:00Z [INFO] | sha256:aa | v1,latest and 3 more | image | 2026-11-29 10:00:00 | 2026-11-29 11:00:00 | DEL |
2026-11-30T04:30:00Z [INFO] | sha256:bb |  | image | 2026-11-29 10:00:00 |  | RETAIN: part of an artifact that stays |
2026-11-30T04:30:00Z [INFO] | sha256:cc | v2 | image | 2026-11-29 10:00:00 |  | ERR: the tag v2 configured as immutable, cannot be deleted (rule 1: tags v* of **) |
2026-11-30T04:30:00Z [INFO] 3 of 4 are retained
`;

describe("the log of a retention task", () => {
  it("tells what was deleted, what stays and why", () => {
    const [gone, part, fixed, ...rest] = outcomes(log);
    expect(rest).toEqual([]);
    expect(gone).toEqual({
      digest: "sha256:aa",
      tags: ["v1", "latest"],
      more: 3,
      pushed: "2026-11-29T10:00:00Z",
      used: "2026-11-29T11:00:00Z",
      what: "deleted",
      why: "",
    });
    expect(part).toMatchObject({
      tags: [],
      used: "",
      what: "stays",
      why: "part of an artifact that stays",
    });
    expect(fixed?.why).toContain("configured as immutable");
  });

  it("tells how many a rule retains", () => {
    expect(retained(log)).toEqual([{ place: 1, count: 4 }]);
  });
});
