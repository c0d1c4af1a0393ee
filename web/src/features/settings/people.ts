import type { SettingsLink } from "./link";

/** Who and what a project is: its pages of settings, in the order in which they are shown. */
export const peopleLinks: SettingsLink[] = [];
