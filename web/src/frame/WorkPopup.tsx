import { useLingui } from "@lingui/react/macro";
import { Popover } from "@mantine/core";
import { cloneElement } from "react";
import type { Execution } from "../features/jobs/queries";
import type { PopupProps } from "../ui/useOnDemand";
import classes from "./Work.module.css";
import { WorkList } from "./WorkList";

interface Props extends PopupProps {
  going: Execution[];
  more: boolean;
  ended: Execution[];
  onForget: () => void;
}

/** The list of background work, below its ring. */
export function WorkPopup({ button, opened, onChange, ...list }: Props) {
  const { t } = useLingui();
  return (
    <Popover
      opened={opened}
      onChange={onChange}
      position="bottom-end"
      width={360}
      withinPortal={false}
      trapFocus
      returnFocus
      classNames={{ dropdown: classes.dropdown }}
    >
      <Popover.Target>
        {cloneElement(button, { onClick: () => onChange(!opened) } as object)}
      </Popover.Target>
      <Popover.Dropdown aria-label={t`Background work`}>
        <WorkList {...list} onLeave={() => onChange(false)} />
      </Popover.Dropdown>
    </Popover>
  );
}
