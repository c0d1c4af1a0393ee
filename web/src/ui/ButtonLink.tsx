import { Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";

type Props = Omit<ButtonProps, "component"> &
  Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps> & {
    ref?: Ref<HTMLAnchorElement>;
  };

function Anchor(props: Props) {
  return <Button component="a" variant="default" {...props} />;
}

/** A link to another page that looks like a button: an action that is a place. */
export const ButtonLink = createLink(Anchor);
