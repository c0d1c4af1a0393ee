import type { LinkProps } from "@tanstack/react-router";

/** A page that is told of as data: kept, or found, or not known before. */
export interface Destination {
  to: string;
  params?: Record<string, string>;
  search?: Record<string, unknown>;
}

/** A destination as what a link takes. */
export function linkTo(destination: Destination): LinkProps {
  return destination as LinkProps;
}
