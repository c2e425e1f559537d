// Loading what a page shows: the data, the problem, or neither yet.
// @ts-check

import { useCallback, useEffect, useRef, useState } from "../vendor/preact.js";
import { connected } from "./live.js";
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
  return { ...found, reload: () => load(false) };
}
