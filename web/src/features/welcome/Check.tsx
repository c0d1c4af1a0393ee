import { IconAlertTriangle, IconCircleCheck, IconLoader } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./welcome.module.css";

/** Something that was looked at: whether it is right, in a sentence. */
export function Check({ right, children }: { right: boolean | undefined; children: ReactNode }) {
  const Sign = right === undefined ? IconLoader : right ? IconCircleCheck : IconAlertTriangle;
  return (
    <li className={`${classes.check} ${right ? classes.right : classes.wrong}`}>
      <Sign size={20} aria-hidden />
      <div>{children}</div>
    </li>
  );
}
