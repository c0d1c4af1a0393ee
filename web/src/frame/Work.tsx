import { useLingui } from "@lingui/react/macro";
import { UnstyledButton } from "@mantine/core";
import { endedShare } from "../features/jobs/share";
import { useEnded, useUnderway } from "../features/jobs/underway";
import { useUser } from "../features/session/queries";
import { useOnDemand } from "../ui/useOnDemand";
import classes from "./Work.module.css";

const loadList = () => import("./WorkPopup").then((part) => part.WorkPopup);

/** The ring of background work: it fills while work goes on, and opens the list of it. */
export function Work() {
  const { t } = useLingui();
  const user = useUser();
  const underway = useUnderway();
  const going = underway.data?.executions;
  const { ended, forget } = useEnded(going);
  const list = useOnDemand(loadList);
  if (!user) return null;
  const count = going?.length ?? 0;
  const share =
    going && count > 0 ? going.reduce((sum, { tasks }) => sum + endedShare(tasks), 0) / count : 0;
  const shown = underway.data?.more ? t`more than ${count}` : String(count);
  const button = (
    <UnstyledButton
      {...list.button}
      className={classes.ring}
      aria-haspopup="dialog"
      aria-label={count > 0 ? t`Background work: ${shown}` : t`Background work: none`}
    >
      <Ring share={share} busy={count > 0} />
      {count > 0 && <span aria-hidden>{underway.data?.more ? `${count}+` : count}</span>}
    </UnstyledButton>
  );
  if (!list.Popup) return button;
  return (
    <list.Popup
      {...list.popup}
      button={button}
      going={going ?? []}
      more={underway.data?.more ?? false}
      ended={ended}
      onForget={forget}
    />
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
