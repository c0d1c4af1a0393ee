import { Trans, useLingui } from "@lingui/react/macro";
import { useQueryClient } from "@tanstack/react-query";
import { useLayoutEffect, useRef, useState } from "react";
import { useLive } from "../../api/live";
import { readLog } from "./log";
import classes from "./TaskLog.module.css";

/** How much of a log a page keeps, in characters: the last of it. */
const most = 400_000;

/** What a task tells, line by line while it runs. */
export function TaskLog({ task }: { task: number }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [text, setText] = useState("");
  const after = useRef(0);
  const add = (more: string, next: number) => {
    if (next <= after.current) return;
    after.current = next;
    setText((before) => (before + more).slice(-most));
  };
  const how = useLive({
    address: `/api/haven/v1/jobs/tasks/${task}/log?follow=true`,
    on: {
      log: (data, id) => add(`${data}\n`, Number(id)),
      end: () => void client.invalidateQueries({ queryKey: ["jobs"] }),
    },
    poll: async () => {
      const piece = await readLog(task, after.current);
      add(piece.text, piece.next);
      return !piece.ended;
    },
  });
  const box = useFollow(text);
  return (
    <section className={classes.log} aria-label={t`Log of task ${task}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls by keyboard too */}
      <pre ref={box} tabIndex={0}>
        {text || (how === "ended" ? t`It said nothing.` : t`Nothing was said yet.`)}
      </pre>
      <p className={classes.state} role="status">
        {how === "live" && <Trans>Follows along</Trans>}
        {how === "polling" && <Trans>Looks every two seconds</Trans>}
        {how === "ended" && <Trans>That is all</Trans>}
      </p>
    </section>
  );
}

/** Keeps the end in sight, unless somebody scrolled up to read. */
function useFollow(text: string) {
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    const pre = box.current;
    if (!pre) return;
    const note = () => {
      atEnd.current = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
    };
    pre.addEventListener("scroll", note);
    return () => pre.removeEventListener("scroll", note);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a longer text is what moves the end
  useLayoutEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return box;
}
