import { msg } from "@lingui/core/macro";
import type { Project } from "../projects/queries";
import type { SettingsLink } from "./link";

/** What holds for the artifacts of a project: its pages of settings, in the order in which they are shown. */
export const ruleLinks: SettingsLink[] = [
  {
    title: msg`Scanning`,
    to: "/p/$project/settings/scanning",
    shown: (may) => may("metadata", "read"),
  },
  {
    title: msg`Trust`,
    to: "/p/$project/settings/trust",
    shown: (may) => may("metadata", "read"),
  },
  {
    title: msg`Webhooks`,
    to: "/p/$project/settings/webhooks",
    shown: (may) => may("notification-policy", "list"),
  },
  {
    title: msg`Preheat`,
    to: "/p/$project/settings/preheat",
    shown: (may) => may("preheat-policy", "list"),
  },
  {
    title: msg`Retention`,
    to: "/p/$project/settings/retention",
    shown: (may) => may("tag-retention", "read"),
  },
  {
    title: msg`Tag rules`,
    to: "/p/$project/settings/tag-rules",
    shown: (may, project) => may("immutable-tag", "list") && !isCache(project),
  },
  {
    title: msg`Proxy cache`,
    to: "/p/$project/settings/proxy",
    shown: (may, project) => may("metadata", "read") && isCache(project),
  },
  {
    title: msg`Trash`,
    to: "/p/$project/settings/trash",
    shown: (may) => may("repository", "delete"),
  },
];

function isCache(project: Project): boolean {
  return (project.registry_id ?? 0) > 0;
}
