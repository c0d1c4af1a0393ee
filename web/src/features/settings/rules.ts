import type { SettingsLink } from "./link";

/** What holds for the artifacts of a project: its pages of settings, in the order in which they are shown. */
export const ruleLinks: SettingsLink[] = [];
