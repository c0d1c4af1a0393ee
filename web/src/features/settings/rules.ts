import { msg } from "@lingui/core/macro";
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
];
