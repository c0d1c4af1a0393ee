import { Trans } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconFilter } from "@tabler/icons-react";
import { useOnDemand } from "../../ui/useOnDemand";

const loadWords = () => import("./FilterWords").then((part) => part.FilterWords);

/** Offers the words that the filter knows. */
export function FilterHelp({ onAdd }: { onAdd: (word: string) => void }) {
  const words = useOnDemand(loadWords);
  const button = (
    <Button
      {...words.button}
      variant="default"
      size="xs"
      aria-haspopup="menu"
      leftSection={<IconFilter size={16} aria-hidden />}
    >
      <Trans>Filter by</Trans>
    </Button>
  );
  return words.Popup ? <words.Popup {...words.popup} button={button} onAdd={onAdd} /> : button;
}
