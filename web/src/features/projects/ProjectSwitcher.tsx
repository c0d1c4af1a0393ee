import { useLingui } from "@lingui/react/macro";
import { ActionIcon } from "@mantine/core";
import { IconSelector } from "@tabler/icons-react";
import { useOnDemand } from "../../ui/useOnDemand";

const loadPopup = () => import("./SwitcherPopup").then((part) => part.SwitcherPopup);

/** Beside a project in the path: the way to another one. */
export function ProjectSwitcher({ here }: { here: string }) {
  const { t } = useLingui();
  const popup = useOnDemand(loadPopup);
  const button = (
    <ActionIcon
      {...popup.button}
      variant="subtle"
      size="sm"
      color="teal"
      aria-haspopup="dialog"
      aria-label={t`Switch project`}
      title={t`Switch project`}
    >
      <IconSelector size={16} aria-hidden />
    </ActionIcon>
  );
  return popup.Popup ? <popup.Popup {...popup.popup} button={button} here={here} /> : button;
}
