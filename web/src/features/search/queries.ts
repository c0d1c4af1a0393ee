import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, bodyOf, type Schema } from "../../api/client";

export type Found = Schema["Found"];

const pause = 120;

/** A text as it was when typing last paused. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pause);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

/** What a text finds, as the server answers while one types. */
export function useFound(text: string) {
  const q = useSettled(text.trim());
  return useQuery({
    queryKey: ["search", q],
    enabled: q !== "",
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      bodyOf<Found>(api.GET("/api/haven/v1/search", { params: { query: { q } }, signal })),
  });
}
