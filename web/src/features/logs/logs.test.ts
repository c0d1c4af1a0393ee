import { expect, it } from "vitest";
import { csvOf } from "./csv";
import { conditionsOf } from "./filter";

it("asks for what is chosen", () => {
  expect(conditionsOf({})).toBeUndefined();
  expect(conditionsOf({ operation: "delete", user: "a,b", from: "2026-01-02" })).toBe(
    "operation=delete,username=~ab,op_time=[2026-01-02T00:00:00~]",
  );
  expect(conditionsOf({ type: "tag", resource: "a/b:1", to: "2026-01-03" })).toBe(
    "resource_type=tag,resource=~a%2Fb%3A1,op_time=[~2026-01-03T23:59:59]",
  );
});

it("writes what spreadsheets read and don't carry out", () => {
  const entry = {
    op_time: "2026-01-02T03:04:05Z",
    username: "=cmd()",
    operation: "delete",
    resource_type: "tag",
    resource: 'a "b", c',
    operation_result: false,
  };
  expect(csvOf([entry])).toBe(
    "time,user,operation,type,resource,result,address,request\r\n" +
      '2026-01-02T03:04:05Z,\'=cmd(),delete,tag,"a ""b"", c",failure,,\r\n',
  );
});
