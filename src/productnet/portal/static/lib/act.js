// Doing something that the server may refuse: whether it is under way, and why it failed.
// @ts-check

import { useRef, useState } from "../vendor/preact.js";
import { asProblem } from "./session.js";

/**
 * `const { act, busy, problem } = useAct(); … onClick=${() => act(() => addKey(key), done)}`
 * Nothing is begun while something is under way.
 * @returns {{busy: boolean, problem: import("./api.js").Problem | null, clear: () => void,
 *   act: <R>(work: () => Promise<R>, then?: (result: R) => void) => Promise<void>}}
 */
export function useAct() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {import("./api.js").Problem | null} */ (null));
  const under = useRef(false);
  return {
    busy,
    problem,
    clear: () => setProblem(null),
    act: async (work, then) => {
      if (under.current) return;
      under.current = true;
      setBusy(true);
      setProblem(null);
      try {
        const result = await work();
        then?.(result);
      } catch (error) {
        setProblem(asProblem(error));
      } finally {
        under.current = false;
        setBusy(false);
      }
    },
  };
}
