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

/** What a text finds, as the server answers while one types; `asking` until it did for this very text. */
export function useFound(text: string) {
  const typed = text.trim();
  const q = useSettled(typed);
  const found = useQuery({
    queryKey: ["search", q],
    enabled: q !== "",
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      bodyOf<Found>(api.GET("/api/haven/v1/search", { params: { query: { q } }, signal })),
  });
  return { ...found, asking: typed !== "" && (typed !== q || found.isFetching) };
}
