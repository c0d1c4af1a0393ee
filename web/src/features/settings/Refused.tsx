import { Trans, useLingui } from "@lingui/react/macro";
import { asProblem } from "../../api/problem";
import { Failed } from "../../ui/states";
import { SignInRequired } from "../session/SignInRequired";

interface Props {
  /** What could not be shown, as a sentence. */
  what: string;
  error: unknown;
  retry: () => void;
}

/** A page of settings that can't be shown: because the caller may not see it, or something failed. */
export function Refused({ what, error, retry }: Props) {
  if (!asProblem(error).isForbidden) return <Failed what={what} error={error} retry={retry} />;
  return (
    <SignInRequired>
      <p>
        {what} <Trans>Your role in the project doesn't let you. Ask one of its admins.</Trans>
      </p>
    </SignInRequired>
  );
}

/** Said above what the caller may see and not change. */
export function ReadOnly() {
  const { t } = useLingui();
  return <p role="note">{t`You may look at this. Only the project's admins may change it.`}</p>;
}
