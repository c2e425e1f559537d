// A list that goes on: pages by cursor, older ones at a click.
// @ts-check

import { html, useCallback, useEffect, useRef, useState } from "../vendor/preact.js";
import { asProblem } from "../lib/session.js";

/**
 * @template I
 * @param {(cursor: string | null) => Promise<{items: I[], next_cursor?: string | null}>} ask
 * @param {unknown[]} inputs The list begins anew when they change.
 * @returns {{items: I[] | null, more: boolean, loading: boolean,
 *   problem: import("../lib/api.js").Problem | null, next: () => void, reload: () => void}}
 */
export function useMore(ask, inputs) {
  const [kept, setKept] = useState({ items: /** @type {I[] | null} */ (null), cursor: /** @type {string | null} */ (null) });
  const [problem, setProblem] = useState(/** @type {import("../lib/api.js").Problem | null} */ (null));
  const [loading, setLoading] = useState(true);
  const turn = useRef(0);
  const load = useCallback((/** @type {string | null} */ cursor, /** @type {boolean} */ blank) => {
    const mine = ++turn.current;
    setLoading(true);
    setProblem(null);
    if (blank) setKept({ items: null, cursor: null });
    ask(cursor).then((page) => {
      if (mine !== turn.current) return;
      setKept((was) => ({ items: [...(cursor ? was.items ?? [] : []), ...page.items], cursor: page.next_cursor ?? null }));
      setLoading(false);
    }, (error) => {
      if (mine !== turn.current) return;
      setProblem(asProblem(error));
      setLoading(false);
    });
  }, inputs);
  useEffect(() => {
    load(null, true);
    return () => {
      turn.current++;
    };
  }, [load]);
  return {
    items: kept.items, more: kept.cursor !== null, loading, problem,
    next: () => load(kept.cursor, false), reload: () => load(null, false),
  };
}

/** @param {{list: {more: boolean, loading: boolean, next: () => void}, label?: string}} props */
export function More({ list, label = "Show older ones" }) {
  if (!list.more) return null;
  return html`<div class="more"><button type="button" class="button" disabled=${list.loading} onClick=${list.next}>
    ${list.loading ? "Loading…" : label}</button></div>`;
}
