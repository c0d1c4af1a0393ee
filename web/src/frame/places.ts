import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import {
  type Icon,
  IconArrowsExchange,
  IconHistory,
  IconHome,
  IconListCheck,
  IconSettings,
  IconShield,
  IconStack2,
} from "@tabler/icons-react";
import type { LinkProps } from "@tanstack/react-router";
import type { SignedIn } from "../features/session/queries";

/** One of the few places that one always reaches. */
export interface Place {
  title: MessageDescriptor;
  to: LinkProps["to"];
  Sign: Icon;
  /** Addresses that belong to the place, by how they begin. */
  within: string[];
  /** Whether it is offered to somebody; null is nobody yet. */
  shown: (user: SignedIn | null) => boolean;
}

const everybody = () => true;
const signedIn = (user: SignedIn | null) => user !== null;
const administrators = (user: SignedIn | null) => user?.sysadmin_flag ?? false;

export const places: Place[] = [
  { title: msg`Home`, to: "/", Sign: IconHome, within: [], shown: everybody },
  {
    title: msg`Projects`,
    to: "/projects",
    Sign: IconStack2,
    within: ["/projects", "/p/"],
    shown: everybody,
  },
  {
    title: msg`Security`,
    to: "/security",
    Sign: IconShield,
    within: ["/security"],
    shown: administrators,
  },
  {
    title: msg`Replication`,
    to: "/replication",
    Sign: IconArrowsExchange,
    within: ["/replication"],
    shown: administrators,
  },
  {
    title: msg`Jobs`,
    to: "/jobs",
    Sign: IconListCheck,
    within: ["/jobs"],
    shown: administrators,
  },
  { title: msg`Audit`, to: "/audit", Sign: IconHistory, within: ["/audit"], shown: signedIn },
  {
    title: msg`Admin`,
    to: "/admin",
    Sign: IconSettings,
    within: ["/admin"],
    shown: administrators,
  },
];
