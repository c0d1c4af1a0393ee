import { useLingui } from "@lingui/react/macro";
import { Popover, UnstyledButton } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { endedShare } from "../features/jobs/share";
import { useEnded, useUnderway } from "../features/jobs/underway";
import { useUser } from "../features/session/queries";
import { Loading } from "../ui/states";
import classes from "./Work.module.css";

const WorkList = lazy(() => import("./WorkList").then((part) => ({ default: part.WorkList })));

/** The ring of background work: it fills while work goes on, and opens the list of it. */
export function Work() {
  const { t } = useLingui();
  const user = useUser();
  const underway = useUnderway();
  const going = underway.data?.executions;
  const { ended, forget } = useEnded(going);
  const [open, setOpen] = useState(false);
  if (!user) return null;
  const count = going?.length ?? 0;
  const share =
    going && count > 0 ? going.reduce((sum, { tasks }) => sum + endedShare(tasks), 0) / count : 0;
  const shown = underway.data?.more ? t`more than ${count}` : String(count);
  return (
    <Popover
      opened={open}
      onChange={setOpen}
      position="bottom-end"
      width={360}
      withinPortal={false}
      trapFocus
      returnFocus
      classNames={{ dropdown: classes.dropdown }}
    >
      <Popover.Target>
        <UnstyledButton
          className={classes.ring}
          aria-label={count > 0 ? t`Background work: ${shown}` : t`Background work: none`}
          onClick={() => setOpen(!open)}
        >
          <Ring share={share} busy={count > 0} />
          {count > 0 && <span aria-hidden>{underway.data?.more ? `${count}+` : count}</span>}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={t`Background work`}>
        <Suspense fallback={<Loading rows={2} />}>
          <WorkList
            going={going ?? []}
            more={underway.data?.more ?? false}
            ended={ended}
            onForget={forget}
            onLeave={() => setOpen(false)}
          />
        </Suspense>
      </Popover.Dropdown>
    </Popover>
  );
}

const radius = 8;
const around = 2 * Math.PI * radius;

function Ring({ share, busy }: { share: number; busy: boolean }) {
  return (
    <svg viewBox="0 0 20 20" width={20} height={20} aria-hidden>
      <circle cx={10} cy={10} r={radius} className={classes.track} />
      {busy && (
        <circle
          cx={10}
          cy={10}
          r={radius}
          className={classes.fill}
          transform="rotate(-90 10 10)"
          strokeDasharray={`${Math.max(0.06, share) * around} ${around}`}
        />
      )}
    </svg>
  );
}
