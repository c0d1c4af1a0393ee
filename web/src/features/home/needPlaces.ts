import type { Destination } from "../../ui/destination";
import { useExisting } from "../search/places";
import type { SignedIn } from "../session/queries";
import type { Need } from "./needs";

/** The pages that mend something, the best first; the last ones are always there. */
const pages: Partial<Record<Need["kind"], string[]>> = {
  critical: ["/security", "/projects"],
  jobs: ["/jobs", "/admin/jobs", "/admin"],
  part: ["/admin/health", "/admin/storage", "/admin"],
  scanner: ["/admin/scanners", "/admin"],
  database: [
    "/admin/vulnerability-database",
    "/admin/vulnerabilities",
    "/admin/vulndb",
    "/admin/scanners",
    "/admin",
  ],
};

const quotaPages = ["/p/$project/settings/quota", "/p/$project/settings"];
const robotPages = ["/p/$project/settings/robots", "/p/$project/settings"];
const systemRobots = ["/admin/robots", "/admin"];
const tokenPages = ["/me/tokens", "/me"];

/** Where what a need is about is mended. */
export function useNeedPlace(user: SignedIn): (need: Need) => Destination {
  const existing = useExisting();
  const first = (candidates: string[], params?: Record<string, string>): Destination => ({
    to: existing(candidates) ?? "/",
    ...(params && { params }),
  });
  return (need) => {
    switch (need.kind) {
      case "password":
        return { to: user.sysadmin_flag ? "/welcome" : "/me" };
      case "quota":
        return first(quotaPages, { project: need.project });
      case "robot":
        return need.project ? first(robotPages, { project: need.project }) : first(systemRobots);
      case "token":
        return first(tokenPages);
      default:
        return first(pages[need.kind] ?? []);
    }
  };
}
