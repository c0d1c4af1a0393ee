import type { Destination } from "../../ui/destination";
import type { SignedIn } from "../session/queries";
import type { Need } from "./needs";

/** Where what a need is about is mended. */
export function needPlace(user: SignedIn, need: Need): Destination {
  switch (need.kind) {
    case "password":
      return { to: user.sysadmin_flag ? "/welcome" : "/me" };
    case "quota":
      return { to: "/p/$project/settings/quota", params: { project: need.project } };
    case "robot":
      return need.project
        ? { to: "/p/$project/settings/robots", params: { project: need.project } }
        : { to: "/admin/robots" };
    case "token":
      return { to: "/me" };
    case "critical":
      return { to: "/security" };
    case "jobs":
      return { to: "/jobs", search: { status: "Error" } };
    case "part":
      return { to: "/admin/health" };
    case "scanner":
      return { to: "/admin/scanners" };
    case "database":
      return { to: "/admin/vulnerability-data" };
  }
}
