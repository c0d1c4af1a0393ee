import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../../api/client";

export type SettingValue = string | number | boolean;

/** A setting as the server tells it. What isn't editable is fixed. */
export interface Setting {
  value: SettingValue;
  editable: boolean;
}

export type Settings = Record<string, Setting>;

export const settingsQuery = queryOptions({
  queryKey: ["configurations"],
  queryFn: ({ signal }) =>
    bodyOf<Settings>(
      api.GET("/api/v2.0/configurations", { signal }) as Promise<{
        data?: Settings;
        error?: unknown;
        response: Response;
      }>,
    ),
});

export function useSettings() {
  return useQuery(settingsQuery);
}

/** Changes settings. What others show of them is asked for again. */
export function useSaveSettings() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (changes: Record<string, SettingValue>) =>
      bodyOf(api.PUT("/api/v2.0/configurations", { body: changes })),
    onSuccess: () =>
      Promise.all(
        ["configurations", "systeminfo", "session"].map((key) =>
          client.invalidateQueries({ queryKey: [key] }),
        ),
      ),
  });
}

/** Whether all of it comes from outside, by a start-up setting. Nothing can be changed here then. */
export function isFixed(settings: Settings): boolean {
  return settings.session_timeout?.editable === false;
}

/** What somebody types over settings, until it is saved. */
export interface Draft {
  value: (name: string) => SettingValue;
  text: (name: string) => string;
  set: (name: string, value: SettingValue) => void;
  editable: (name: string) => boolean;
  /** Numbers that aren't whole and above nothing. */
  wrong: (name: string) => boolean;
  /** What is to be saved. */
  changes: Record<string, SettingValue>;
  changed: boolean;
  faulty: boolean;
  forget: () => void;
}

export function useDraft(settings: Settings): Draft {
  const [typed, setTyped] = useState<Record<string, SettingValue>>({});
  const value = (name: string) => typed[name] ?? settings[name]?.value ?? "";
  const counts = (name: string) => typeof settings[name]?.value === "number";
  const wrong = (name: string) => counts(name) && !/^\d{1,10}$/.test(String(value(name)).trim());
  const changes = changesOf(typed, settings);
  return {
    value,
    text: (name) => String(value(name)),
    set: (name, next) => setTyped((before) => ({ ...before, [name]: next })),
    // Passwords are never told; they can be set where anything can.
    editable: (name) => settings[name]?.editable ?? !isFixed(settings),
    wrong,
    changes,
    changed: Object.keys(changes).length > 0,
    faulty: Object.keys(typed).some(wrong),
    forget: () => setTyped({}),
  };
}

/** What differs from what the server told, in the server's types. */
export function changesOf(
  typed: Record<string, SettingValue>,
  settings: Settings,
): Record<string, SettingValue> {
  const changes: Record<string, SettingValue> = {};
  for (const [name, next] of Object.entries(typed)) {
    const before = settings[name]?.value;
    const sent = typeof before === "number" ? Number(next) : next;
    if (sent !== (before ?? "")) changes[name] = sent;
  }
  return changes;
}
