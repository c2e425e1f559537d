// Something floats at the foot of the window: cards scrolled into view keep clear of it.
// @ts-check

import { useEffect } from "../vendor/preact.js";

let floating = 0;

/** @param {boolean} shown Whether it is there now. */
export function useFloat(shown) {
  useEffect(() => {
    if (!shown) return undefined;
    floating++;
    document.body.classList.add("floats");
    return () => {
      floating--;
      document.body.classList.toggle("floats", floating > 0);
    };
  }, [shown]);
}
