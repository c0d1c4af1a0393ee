import { useLingui } from "@lingui/react/macro";
import { PasswordInput } from "@mantine/core";
import { useState } from "react";
import { type PasswordFault, passwordFault } from "../../account/password";

/** Two fields for a new password of somebody, and whether it will do. */
export function usePasswordFields() {
  const { t } = useLingui();
  const [next, setNext] = useState("");
  const [repeat, setRepeat] = useState("");
  const fault = passwordFault(next, repeat);
  const words: Record<PasswordFault, string> = {
    length: t`8 to 128 characters.`,
    upper: t`An upper-case letter is missing.`,
    lower: t`A lower-case letter is missing.`,
    digit: t`A digit is missing.`,
    repeat: t`The two do not agree.`,
  };
  const eye = { "aria-label": t`Show password`, tabIndex: 0 };
  const fields = (
    <>
      <PasswordInput
        label={t`Password`}
        description={t`8 to 128 characters, with an upper-case and a lower-case letter and a digit`}
        autoComplete="new-password"
        visibilityToggleButtonProps={eye}
        value={next}
        error={next && fault && fault !== "repeat" ? words[fault] : undefined}
        onChange={(event) => setNext(event.currentTarget.value)}
      />
      <PasswordInput
        label={t`Password, again`}
        autoComplete="new-password"
        visibilityToggleButtonProps={eye}
        value={repeat}
        error={repeat && fault === "repeat" ? words.repeat : undefined}
        onChange={(event) => setRepeat(event.currentTarget.value)}
      />
    </>
  );
  return { fields, password: next, good: !fault };
}
