import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { RowButtons } from "../../../ui/RowButtons";
import { isBuiltIn, type Scanner } from "./queries";

interface Props {
  scanner: Scanner;
  open: boolean;
  onInfo: () => void;
  onDefault: () => void;
  onEdit: () => void;
  onDelete: () => void;
}

export function ScannerActions({ scanner, open, onInfo, onDefault, onEdit, onDelete }: Props) {
  const { t } = useLingui();
  const button = { size: "xs", variant: "default" } as const;
  const { name } = scanner;
  return (
    <RowButtons>
      <Button
        {...button}
        aria-expanded={open}
        aria-label={t`What ${name} says of itself`}
        onClick={onInfo}
      >
        <Trans>Info</Trans>
      </Button>
      {!scanner.is_default && !scanner.disabled && (
        <Button {...button} aria-label={t`Make ${name} the default`} onClick={onDefault}>
          <Trans>Make default</Trans>
        </Button>
      )}
      <Button {...button} aria-label={t`Edit ${name}`} onClick={onEdit}>
        <Trans>Edit</Trans>
      </Button>
      {!isBuiltIn(scanner) && (
        <Button {...button} aria-label={t`Delete ${name}`} onClick={onDelete}>
          <Trans>Delete</Trans>
        </Button>
      )}
    </RowButtons>
  );
}
