// Where answers wait in this browser: an IndexedDB table, written through to the disk.
// @ts-check

/** @import {Waiting} from "./types.js" */

const NAME = "productnet";
const ANSWERS = "answers";
// Numbers of answers that only memory holds; they come after all that the table numbers.
const FIRST_IN_MEMORY = 2 ** 50;

/**
 * @typedef {object} Store
 * @property {() => Promise<Waiting[]>} all In the order they were given.
 * @property {(fresh: Omit<Waiting, "n">[]) => Promise<Waiting[]>} add Resolves when on disk.
 * @property {(entries: Waiting[]) => Promise<unknown>} change
 * @property {(numbers: number[]) => Promise<unknown>} remove
 */

/**
 * The browser's store. What cannot be written there (IndexedDB is switched off, the disk is full)
 * is held in memory instead, and `weakened` is told.
 * @param {() => void} weakened
 * @returns {Promise<Store>}
 */
export async function openStore(weakened) {
  const memory = inMemory();
  /** @type {Store} */
  let disk;
  try {
    disk = inDatabase(await openDatabase());
  } catch {
    weakened();
    return memory;
  }
  return {
    all: async () => [...(await disk.all()), ...(await memory.all())],
    add: async (fresh) => {
      try {
        return await disk.add(fresh);
      } catch (error) {
        console.error("Answers could not be written to this computer's disk.", error);
        weakened();
        return memory.add(fresh);
      }
    },
    change: async (entries) => {
      await disk.change(entries.filter((one) => one.n < FIRST_IN_MEMORY));
      await memory.change(entries.filter((one) => one.n >= FIRST_IN_MEMORY));
    },
    remove: async (numbers) => {
      await disk.remove(numbers.filter((n) => n < FIRST_IN_MEMORY));
      await memory.remove(numbers.filter((n) => n >= FIRST_IN_MEMORY));
    },
  };
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ANSWERS, { keyPath: "n", autoIncrement: true });
    };
    request.onsuccess = () => {
      // A newer portal in another tab may change the table: make way for it.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds an older table"));
  });
}

/** @param {IDBDatabase} database @returns {Store} */
function inDatabase(database) {
  /**
   * @template R
   * @param {IDBTransactionMode} mode
   * @param {(table: IDBObjectStore) => R} work
   * @returns {Promise<R>} What the work gave back, once the transaction is complete.
   */
  const run = (mode, work) =>
    new Promise((resolve, reject) => {
      // Strict: complete means that the disk has it, not only the system's cache.
      const transaction = database.transaction(ANSWERS, mode, { durability: "strict" });
      const made = work(transaction.objectStore(ANSWERS));
      transaction.oncomplete = () => resolve(made);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error ?? new Error("the browser gave up"));
    });
  return {
    all: async () => (await run("readonly", (table) => table.getAll())).result,
    add: async (fresh) => {
      const requests = await run("readwrite", (table) => fresh.map((one) => table.add(one)));
      return fresh.map((one, at) => ({ ...one, n: Number(requests[at]?.result) }));
    },
    change: (entries) => run("readwrite", (table) => entries.forEach((one) => table.put(one))),
    remove: (numbers) => run("readwrite", (table) => numbers.forEach((n) => table.delete(n))),
  };
}

/** @returns {Store} */
function inMemory() {
  /** @type {Map<number, Waiting>} */
  const held = new Map();
  let next = FIRST_IN_MEMORY;
  return {
    all: async () => [...held.values()],
    add: async (fresh) => {
      const added = fresh.map((one) => ({ ...one, n: next++ }));
      for (const one of added) held.set(one.n, one);
      return added;
    },
    change: async (entries) => entries.forEach((one) => held.set(one.n, one)),
    remove: async (numbers) => numbers.forEach((n) => held.delete(n)),
  };
}
