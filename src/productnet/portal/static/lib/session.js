// Who is signed in, and what they may do.
// @ts-check

import { computed, signal } from "../vendor/preact.js";
import * as api from "./api.js";

/** @import {Role, Session} from "./types.js" */

/**
 * `in` comes with `session`; `out`: nobody is signed in; `away`: the server was not reached.
 * @type {import("../vendor/preact.js").Signal<"loading" | "in" | "out" | "away">}
 */
export const state = signal("loading");
export const session = signal(/** @type {Session | null} */ (null));
/** Ways to sign in that the server offers: "password", "oidc". */
export const doors = signal(/** @type {string[]} */ (["password"]));
/** Why the server did not answer when last asked; null when it did. */
export const trouble = signal(/** @type {api.Problem | null} */ (null));

export const person = computed(() => session.value?.person ?? null);

/** Whether the person signed in holds one of the roles; an admin may do what any of them may.
 * @param {...Role} roles @returns {boolean} */
export const can = (...roles) =>
  [...roles, "admin"].some((role) => person.value?.roles.includes(/** @type {Role} */ (role)));

/** Ask the server who is signed in. */
export async function load() {
  try {
    enter(await api.getSession());
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401) {
      leave(problem);
      return;
    }
    trouble.value = problem;
    if (!session.peek()) state.value = "away";
  }
}

/** Raises Problem when the server does not let them in. @param {string} name @param {string} password */
export async function signIn(name, password) {
  enter(await api.signIn(name, password));
}

export async function signOut() {
  await api.signOut();
  leave(null);
}

/** @param {Session} found */
function enter(found) {
  api.setCsrf(found.csrf);
  session.value = found;
  trouble.value = null;
  state.value = "in";
}

/** @param {api.Problem | null} problem */
function leave(problem) {
  const offered = problem?.extensions.sign_in;
  if (Array.isArray(offered)) doors.value = offered;
  session.value = null;
  trouble.value = null;
  state.value = "out";
}

/** @param {unknown} error @returns {api.Problem} */
export function asProblem(error) {
  if (error instanceof api.Problem) return error;
  return new api.Problem(-1, "Something went wrong here", String(error));
}

api.onSignedOut(leave);
