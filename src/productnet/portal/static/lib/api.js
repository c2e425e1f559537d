// The HTTP API: one function per operation, and one kind of error for whatever goes wrong.
// @ts-check

/** @import * as T from "./types.js" */

const PREFIX = "/api/v1";

/** What went wrong, in the server's words. Status 0: the server was not reached. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} title
   * @param {string} detail
   * @param {Record<string, any>} [extensions]
   */
  constructor(status, title, detail, extensions = {}) {
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.detail = detail || title;
    this.extensions = extensions;
  }

  /** Whether the server was not reached, or is not able to answer now: trying again may help. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

let csrf = "";
/** @type {(problem: Problem) => void} */
let signedOut = () => {};

/** @param {string} token Sent with every request that changes something. */
export function setCsrf(token) {
  csrf = token;
}

/** @param {(problem: Problem) => void} listener Called when the server knows nobody by the cookie. */
export function onSignedOut(listener) {
  signedOut = listener;
}

/**
 * @typedef {object} RequestOptions
 * @property {Record<string, string | number | boolean | null | undefined>} [query]
 * @property {unknown} [body] Sent as JSON.
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive] Outlives the page.
 * @property {"json" | "buffer"} [as] What the answer is read as.
 * @property {boolean} [quiet] A 401 is an answer like another: nobody is sent to the sign-in page.
 */

/**
 * Ask the server; raises Problem.
 * @param {string} method
 * @param {string} path Below /api/v1.
 * @param {RequestOptions} [options]
 * @returns {Promise<any>} The answer; null if it has no body.
 */
export async function request(method, path, options = {}) {
  const { query, body, signal, keepalive, as = "json", quiet = false } = options;
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let response;
  try {
    response = await fetch(PREFIX + path + search(query), {
      method,
      headers,
      credentials: "same-origin",
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
      ...(keepalive && { keepalive }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "No connection", "The server cannot be reached. Check the network.");
  }
  if (response.ok) {
    if (as === "buffer") return response.arrayBuffer();
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }
  const problem = await problemOf(response);
  if (problem.status === 401 && !quiet) signedOut(problem);
  throw problem;
}

/** @param {Response} response */
async function problemOf(response) {
  const text = await response.text().catch(() => "");
  try {
    const { title, detail, status: _status, type: _type, ...rest } = JSON.parse(text);
    if (typeof title === "string" || typeof detail === "string") {
      return new Problem(response.status, title ?? "", detail ?? "", rest);
    }
  } catch {
    // Not ours: a proxy answered in between.
  }
  const words = `The server answered ${response.status}${
    response.statusText ? ` (${response.statusText})` : ""
  }. Try again; if it stays so, tell your admin.`;
  return new Problem(response.status, "Unexpected answer", words);
}

/** @param {RequestOptions["query"]} query */
function search(query) {
  const given = Object.entries(query ?? {}).filter(([, value]) => value != null && value !== "");
  if (!given.length) return "";
  return `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

/** @param {string} path @param {RequestOptions["query"]} [query] @param {RequestOptions} [more] */
const get = (path, query, more) => request("GET", path, { ...more, query });
/** @param {string} path @param {unknown} [body] @param {RequestOptions} [more] */
const post = (path, body, more) => request("POST", path, { ...more, body });

// Who is here.

/** @returns {Promise<T.Session>} */
export const getSession = () => get("/session", {}, { quiet: true });
/** @param {string} name @param {string} password @returns {Promise<T.Session>} */
export const signIn = (name, password) => post("/session", { name, password }, { quiet: true });
export const signOut = () => request("DELETE", "/session");
/** @param {string} old @param {string} fresh */
export const changePassword = (old, fresh) => post("/password", { old, new: fresh });
export const listPeople = () => get("/people", { limit: 200 });
/** @param {object} person */
export const addPerson = (person) => post("/people", person);
/** @param {string} name @param {object} changes */
export const changePerson = (name, changes) =>
  request("PATCH", "/people", { query: { name }, body: changes });
export const listKeys = () => get("/keys");
/** @param {{label: string, scopes: string[], expires_at?: string}} key */
export const addKey = (key) => post("/keys", key);
/** @param {string} id */
export const revokeKey = (id) => request("DELETE", "/keys", { query: { id } });

// The taxonomy and what is done of it.

export const getTree = () => get("/tree");
/** @returns {Promise<{seq: number, target: number, leaves: Record<string, T.LeafProgress>, leases: T.Lease[]}>} */
export const getProgress = () => get("/progress");
/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<T.Leaf>} */
export const getLeaf = (id, signal) => get("/leaf", { id }, signal && { signal });
/** @param {string} leaf @param {T.Guideline} guideline */
export const putGuideline = (leaf, guideline) =>
  request("PUT", "/guideline", { query: { id: leaf }, body: guideline });
/** @param {T.Task} task @param {number} [count] @returns {Promise<T.Page<T.QueueItem>>} */
export const getQueue = (task, count) => get("/queue", { task, count });
/** @param {string} leaf @param {T.Task} task @param {string | null} person */
export const assign = (leaf, task, person) => post("/assignments", { leaf, task, person });
/** @param {string} leaf @param {T.Task} task @returns {Promise<T.Lease>} */
export const takeLease = (leaf, task) => post("/leases", { leaf, task });
/** @param {string} leaf @param {T.Task} task */
export const releaseLease = (leaf, task) =>
  post("/leases/release", { leaf, task }, { keepalive: true, quiet: true });

// Products and answers.

/** @param {T.CandidatesRequest} wish @param {AbortSignal} [signal] @returns {Promise<T.CandidatesPage>} */
export const getCandidates = (wish, signal) => post("/candidates", wish, signal && { signal });
/** @param {string[]} ids @returns {Promise<T.Page<T.Card>>} */
export const getProducts = (ids) => post("/products", { ids });
/** @param {string} id @returns {Promise<T.Product>} */
export const getProduct = (id) => get("/product", { id });
/**
 * @param {string} id
 * @param {"positives" | "hard_negatives" | "negatives" | "unsure"} kind
 * @param {{cursor?: string, limit?: number}} [page]
 * @returns {Promise<T.Page<T.LeafProduct>>}
 */
export const getLeafProducts = (id, kind, page) => get("/leaf/products", { id, kind, ...page });
/** @param {T.Decision[]} decisions @returns {Promise<T.DecisionsAnswer>} */
export const recordDecisions = (decisions) => post("/decisions", { decisions });

// Audit, disputes, recommendations.

/** @param {string} leaf @param {number} count @returns {Promise<T.Page<T.Card>>} */
export const getAudit = (leaf, count) => get("/audit", { leaf, count });
/** @param {{leaf?: string, cursor?: string}} [query] */
export const listDisputes = (query) => get("/disputes", query);
export const listRecommendations = () => get("/recommendations");
/** @param {{leaf: string, min?: number, cursor?: string}} query */
export const listRecommendedProducts = (query) => get("/recommendations/products", query);
/** @param {{leaf?: string, cursor?: string}} [query] */
export const listSuspects = (query) => get("/suspects", query);
/** @param {string} product @param {string} leaf */
export const openSuspect = (product, leaf) => post("/suspects", { product, leaf });

// Overview and operation.

/** @param {number} days */
export const getDashboard = (days) => get("/dashboard", { days });
/** @param {{cursor?: string, limit?: number}} [page] */
export const listActivity = (page) => get("/activity", page);
export const listRounds = () => get("/rounds");
/** @param {{preset?: string}} [options] */
export const startRound = (options) => post("/rounds", options ?? {});
/** @param {string} id */
export const getJob = (id) => get("/jobs", { id });
export const listReleases = () => get("/releases");
/** @param {string} version */
export const startRelease = (version) => post("/releases", { version });
/** @returns {Promise<T.MapState>} */
export const getMap = () => get("/map");
/** @returns {Promise<ArrayBuffer>} float32 x, y by turns. */
export const getMapPoints = () => get("/map/points", {}, { as: "buffer" });
/** @typedef {{by: T.MapBy, leaf?: string}} MapColouring */
/** @param {MapColouring} colouring @returns {Promise<T.MapLegend>} */
export const getMapLegend = (colouring) => get("/map/legend", colouring);
/** @param {MapColouring} colouring @returns {Promise<ArrayBuffer>} A code a point. */
export const getMapColours = (colouring) => get("/map/colours", colouring, { as: "buffer" });
/** @param {string} version @param {number[]} rows @returns {Promise<{ids: string[]}>} */
export const getMapIds = (version, rows) => post("/map/ids", { version, rows });
/** @param {string} version @param {number[]} rows @param {AbortSignal} [signal] @returns {Promise<{items: T.Card[]}>} */
export const getMapProducts = (version, rows, signal) =>
  post("/map/products", { version, rows }, signal && { signal });
export const listWebhooks = () => get("/webhooks");
