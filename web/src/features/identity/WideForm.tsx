import type { ComponentProps } from "react";
import { Form } from "../../ui/Form";
import classes from "./identity.module.css";

/** A form that takes all the room: for a matrix. */
export function WideForm(props: ComponentProps<typeof Form>) {
  return (
    <div className={classes.wide}>
      <Form {...props} />
    </div>
  );
}
