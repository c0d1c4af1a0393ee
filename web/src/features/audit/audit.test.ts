import { describe, expect, it } from "vitest";
import { asCsv, asJsonLines } from "./files";
import { type AuditFilter, queryOf } from "./filter";

const all: AuditFilter = {
  user: "",
  operation: "",
  type: "",
  resource: "",
  result: "",
  from: "",
  to: "",
};

describe("the filter of the audit log", () => {
  it("asks for all when nothing is chosen", () => {
    expect(queryOf(all)).toBeUndefined();
    expect(queryOf(all, "2026-01-01T00:00:00.000Z")).toBe("op_time=[~2026-01-01T00:00:00.000Z]");
  });

  it("joins what is chosen, with times in UTC", () => {
    const from = new Date(2026, 10, 30, 8, 0).toISOString();
    expect(
      queryOf({
        ...all,
        user: "an, n",
        operation: "delete",
        result: "false",
        from: "2026-11-30T08:00",
      }),
    ).toBe(`username=~an%20%20n,operation=delete,op_result=false,op_time=[${from}~]`);
    expect(queryOf({ ...all, from: "nonsense" })).toBeUndefined();
  });
});

describe("files of the audit log", () => {
  const row = {
    id: 7,
    op_time: "2026-01-01T00:00:00Z",
    username: '=cmd|"x"',
    operation: "delete",
    resource_type: "tag",
    resource: "a,b",
    operation_result: true,
  };

  it("quotes cells, and leaves no formula to a spreadsheet", () => {
    const [head, line] = asCsv([row]).split("\r\n");
    expect(head?.startsWith("op_time,username,")).toBe(true);
    expect(line).toBe(`2026-01-01T00:00:00Z,"'=cmd|""x""",delete,tag,"a,b",true,,,,7`);
  });

  it("writes one object a line", () => {
    expect(JSON.parse(asJsonLines([row]).trim())).toEqual(row);
  });
});
