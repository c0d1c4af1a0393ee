import { useQueryClient } from "@tanstack/react-query";
import { useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { useUser } from "../session/queries";
import { noteRecent, pageFailed, recentAt } from "./recent";

const settled = 1500;

/** Remembers in this browser which projects, repositories and tags one stays at. */
export function useNoteRecent(): void {
  const client = useQueryClient();
  const name = useUser()?.username;
  const location = useRouterState({ select: (state) => state.location });
  useEffect(() => {
    const recent = name && recentAt(location.pathname, location.search as Record<string, unknown>);
    if (!recent) return;
    const timer = setTimeout(() => {
      if (!pageFailed(client)) noteRecent(name, recent);
    }, settled);
    return () => clearTimeout(timer);
  }, [client, name, location]);
}
