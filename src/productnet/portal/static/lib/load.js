// Loading what a page shows: the data, the problem, or neither yet.
// @ts-check

import { useCallback, useEffect, useRef, useState } from "../vendor/preact.js";
import { connected, on } from "./live.js";
import { asProblem } from "./session.js";

/**
 * Ask when the component is first shown and whenever `inputs` change. What was loaded stays on
 * screen while it is asked again with the same inputs.
 * @template D
 * @param {() => Promise<D>} ask
 * @param {unknown[]} inputs
 * @returns {{data: D | null, problem: import("./api.js").Problem | null, loading: boolean,
 *   reload: () => void}}
 */
export function useLoad(ask, inputs) {
  const [found, setFound] = useState(
    /** @type {{data: D | null, problem: import("./api.js").Problem | null, loading: boolean}} */
    ({ data: null, problem: null, loading: true }));
  const turn = useRef(0);
  const load = useCallback((/** @type {boolean} */ fresh) => {
    const mine = ++turn.current;
    setFound((was) => ({ data: fresh ? null : was.data, problem: null, loading: true }));
    ask().then(
      (data) => mine === turn.current && setFound({ data, problem: null, loading: false }),
      (error) => mine === turn.current &&
        setFound((was) => ({ data: was.data, problem: asProblem(error), loading: false })),
    );
  }, inputs);
  // What failed because the server was away is asked for again when it is back.
  const back = connected.value;
  useEffect(() => {
    if (back && found.problem?.passing) load(false);
  }, [back]);
  useEffect(() => {
    load(true);
    return () => {
      turn.current++;
    };
  }, [load]);
  const reload = useCallback(() => load(false), [load]);
  return { ...found, reload };
}

/**
 * Ask again as events arrive, but not for each of them: at most once in so many milliseconds.
 * @param {import("./live.js").Kind[]} kinds
 * @param {() => void} reload
 * @param {number} calm
 */
export function useFresh(kinds, reload, calm) {
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let soon;
    const later = () => {
      soon ??= setTimeout(() => {
        soon = undefined;
        reload();
      }, calm);
    };
    const stops = kinds.map((kind) => on(kind, later));
    return () => {
      stops.forEach((stop) => stop());
      clearTimeout(soon);
    };
  }, [reload]);
}
