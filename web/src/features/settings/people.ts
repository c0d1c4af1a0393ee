import { msg } from "@lingui/core/macro";
import type { SettingsLink } from "./link";

/** Who and what a project is: its pages of settings, in the order in which they are shown. */
export const peopleLinks: SettingsLink[] = [
  {
    title: msg`General`,
    to: "/p/$project/settings/general",
    shown: (may) => may("project", "update"),
  },
  {
    title: msg`Members`,
    to: "/p/$project/settings/members",
    shown: (may) => may("member", "list"),
  },
  {
    title: msg`Robots`,
    to: "/p/$project/settings/robots",
    shown: (may) => may("robot", "list"),
  },
  {
    // Everybody may see the labels of a public project; settings they are for its members.
    title: msg`Labels`,
    to: "/p/$project/settings/labels",
    shown: (may) => may("label", "list") && may("quota", "read"),
  },
  {
    title: msg`Storage`,
    to: "/p/$project/settings/quota",
    shown: (may) => may("quota", "read"),
  },
  {
    title: msg`Log`,
    to: "/p/$project/settings/logs",
    shown: (may) => may("log", "list"),
  },
];
