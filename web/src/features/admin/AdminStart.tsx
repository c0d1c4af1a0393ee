import { Navigate } from "@tanstack/react-router";
import { useAdminPages } from "./groups";

/** Leads to the first page for administrators. */
export function AdminStart() {
  const first = useAdminPages().flatMap((group) => group.links)[0];
  return first ? <Navigate {...first.link} replace /> : null;
}
