import { Trans } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useEffect } from "react";
import { goThereAtOnce, signInAddress } from "./provider";
import { useProvider } from "./queries";
import { SignInForm } from "./SignInForm";
import classes from "./SignInForm.module.css";

interface Props {
  /** The page to return to, a path of ours; else the one that is shown. */
  next?: string;
  /** Don't go to the provider at once, whatever the settings say. */
  stay?: boolean;
}

/** The ways in: the company's provider where there is one, and name and password. */
export function SignIn({ next, stay = false }: Props) {
  const provider = useProvider();
  const atOnce = !stay && provider?.primary === true;
  const address = signInAddress(next);

  useEffect(() => {
    if (atOnce) goThereAtOnce(address);
  }, [atOnce, address]);

  return (
    <>
      {provider && (
        <div className={classes.provider}>
          <Button component="a" href={address}>
            {provider.name ? (
              <Trans>Sign in with {provider.name}</Trans>
            ) : (
              <Trans>Sign in with the company account</Trans>
            )}
          </Button>
          <p className={classes.or}>
            <Trans>Or with a name and password of this registry:</Trans>
          </p>
        </div>
      )}
      <SignInForm />
    </>
  );
}
