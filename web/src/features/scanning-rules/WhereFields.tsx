import { useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { Fields } from "../../ui/Form";
import type { StatementDraft } from "./StatementForm";

interface Props {
  draft: StatementDraft;
  change: (part: Partial<StatementDraft>) => void;
  unplaced: boolean;
}

/** What a statement is about; each field that is empty means all. */
export function WhereFields({ draft, change, unplaced }: Props) {
  const { t } = useLingui();
  return (
    <>
      <Fields>
        <TextInput
          label={t`Repository`}
          description={t`Without the project. Empty: all.`}
          spellCheck={false}
          value={draft.repository}
          onChange={(event) => change({ repository: event.currentTarget.value })}
        />
        <TextInput
          label={t`Digest of an image`}
          description={t`Empty: all images.`}
          placeholder="sha256:…"
          spellCheck={false}
          value={draft.digest}
          onChange={(event) => change({ digest: event.currentTarget.value })}
        />
      </Fields>
      <Fields>
        <TextInput
          label={t`Package`}
          description={t`Its name, or a package URL. Empty: all.`}
          spellCheck={false}
          value={draft.package}
          onChange={(event) => change({ package: event.currentTarget.value })}
        />
        <TextInput
          label={t`Version`}
          description={t`Empty: all versions.`}
          spellCheck={false}
          value={draft.version}
          error={unplaced && t`A version needs a package.`}
          onChange={(event) => change({ version: event.currentTarget.value })}
        />
      </Fields>
    </>
  );
}
