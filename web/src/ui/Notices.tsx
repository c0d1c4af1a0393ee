import { Trans, useLingui } from "@lingui/react/macro";
import { Button, CloseButton } from "@mantine/core";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { asProblem } from "../api/problem";
import classes from "./Notices.module.css";

interface Notice {
  id: number;
  text: string;
  /** Takes back what was done. */
  undo?: (() => Promise<unknown>) | undefined;
  state: "told" | "undoing" | "undone" | "failed";
  why?: string;
}

interface Notices {
  /** Says that something was done, and offers to take it back where that is possible. */
  say: (text: string, undo?: () => Promise<unknown>) => void;
}

const Context = createContext<Notices | undefined>(undefined);
const most = 3;

let last = 0;

/** Holds what was done lately, at the foot of every page, until it is closed or others come. */
export function NoticesProvider({ children }: { children: ReactNode }) {
  const { t } = useLingui();
  const [notices, setNotices] = useState<Notice[]>([]);
  const change = useCallback((id: number, part: Partial<Notice>) => {
    setNotices((all) => all.map((each) => (each.id === id ? { ...each, ...part } : each)));
  }, []);
  const value = useMemo<Notices>(
    () => ({
      say: (text, undo) => {
        last += 1;
        const notice: Notice = { id: last, text, undo, state: "told" };
        setNotices((all) => [...all, notice].slice(-most));
      },
    }),
    [],
  );
  const undo = async (notice: Notice) => {
    change(notice.id, { state: "undoing" });
    try {
      await notice.undo?.();
      change(notice.id, { state: "undone" });
    } catch (error) {
      change(notice.id, { state: "failed", why: asProblem(error).message });
    }
  };
  return (
    <Context value={value}>
      {children}
      <section className={classes.notices} aria-label={t`What was done`} aria-live="polite">
        {notices.map((notice) => (
          <div key={notice.id} className={classes.notice}>
            <span className={classes.text}>
              <Said notice={notice} />
            </span>
            {notice.undo && notice.state !== "undone" && (
              <Button
                size="xs"
                variant="subtle"
                loading={notice.state === "undoing"}
                onClick={() => undo(notice)}
              >
                <Trans>Undo</Trans>
              </Button>
            )}
            <CloseButton
              size="sm"
              aria-label={t`Close`}
              onClick={() => setNotices((all) => all.filter((each) => each.id !== notice.id))}
            />
          </div>
        ))}
      </section>
    </Context>
  );
}

function Said({ notice }: { notice: Notice }) {
  if (notice.state === "undone") return <Trans>Undone: {notice.text}</Trans>;
  if (notice.state === "failed") return <Trans>It could not be undone: {notice.why}</Trans>;
  return notice.text;
}

export function useNotices(): Notices {
  const value = useContext(Context);
  if (!value) throw new Error("useNotices outside NoticesProvider");
  return value;
}
