import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { Forbidden } from "../../ui/states";
import { useUser } from "./queries";
import { SignIn } from "./SignIn";
import classes from "./SignInRequired.module.css";

/** Shown for 401 and 403: who is nobody yet may sign in, who is somebody learns whom to ask. */
export function SignInRequired({ children }: { children: ReactNode }) {
  const user = useUser();
  if (user) return <Forbidden>{children}</Forbidden>;
  return (
    <div className={classes.box}>
      <Forbidden>
        <p>
          <Trans>This is not public. Sign in to see whether you may read it.</Trans>
        </p>
      </Forbidden>
      <SignIn />
    </div>
  );
}
