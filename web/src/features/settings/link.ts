import type { MessageDescriptor } from "@lingui/core";
import type { LinkProps } from "@tanstack/react-router";
import type { Project } from "../projects/queries";
import type { May } from "../session/may";

/** A page of a project's settings: what it is called, where it is, and who sees it. */
export interface SettingsLink {
  title: MessageDescriptor;
  to: LinkProps["to"];
  shown: (may: May, project: Project) => boolean;
}
